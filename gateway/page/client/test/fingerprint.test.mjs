import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { fingerprint } = await load("fingerprint.ts");
const bytes = randomBytes(300_000);
const file = (content, name = "a.bin", lastModified = 1_700_000_000_000) => Object.assign(new Blob([content]), { name, lastModified });

test("the same file has the same fingerprint, another one another", async () => {
  const mine = await fingerprint(file(bytes));
  assert.equal(await fingerprint(file(bytes)), mine);
  assert.ok(mine.length < 1024);
  const changed = (at) => { const b = Buffer.from(bytes); b[at] ^= 1; return b; };
  const others = [file(bytes, "b.bin"), file(bytes, "a.bin", 1), file(bytes.subarray(1)), file(changed(0)), file(changed(bytes.length - 1))];
  for (const other of others) assert.notEqual(await fingerprint(other), mine);
});

test("nothing is too small", async () => {
  assert.notEqual(await fingerprint(file("")), await fingerprint(file("x")));
});
