import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { Sha256 } = await load("sha256.ts");
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
