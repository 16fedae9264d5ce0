import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { Sha256, contentDigest } = await load("sha256.ts", "digest.ts");
const theirs = (bytes) => createHash("sha256").update(bytes).digest("hex");
const hex = (bytes) => Buffer.from(bytes).toString("hex");

test("every length around the borders of blocks", () => {
  for (let n = 0; n < 300; n++) {
    const bytes = randomBytes(n);
    assert.equal(hex(new Sha256().update(bytes).digest()), theirs(bytes), `${n} bytes`);
  }
});

test("in steps of any size", () => {
  const bytes = randomBytes(1 << 20);
  const ours = new Sha256();
  for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 3) % 5000) ours.update(bytes.subarray(at, at + step));
  assert.equal(hex(ours.digest()), theirs(bytes));
});

test("of a whole file, a slice at a time", async () => {
  const bytes = randomBytes((3 << 20) + 5);
  const at = [];
  const digest = await contentDigest(new Blob([bytes]), (n) => at.push(n) > 0);
  assert.equal(digest, `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`);
  assert.deepEqual(at, [0, 1 << 20, 2 << 20, 3 << 20]);
});

test("until it is given up", async () => {
  let slices = 0;
  await assert.rejects(contentDigest(new Blob([randomBytes(4 << 20)]), () => ++slices < 3), { code: "unreadable" });
  assert.equal(slices, 3);
});
