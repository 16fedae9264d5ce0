import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { missing, Plan, smallest } = await load("chunks.ts");
const K = 1024;

const all = (plan) => {
  const pieces = [];
  for (let p; (p = plan.next());) pieces.push(p);
  return pieces;
};

test("what is missing", () => {
  assert.deepEqual(missing([], 10), [[0, 10]]);
  assert.deepEqual(missing([], 0), []);
  assert.deepEqual(missing([[0, 10]], 10), []);
  assert.deepEqual(missing([[2, 4], [6, 8]], 10), [[0, 2], [4, 6], [8, 10]]);
  assert.deepEqual(missing([[6, 8], [0, 7]], 10), [[8, 10]], "overlapping, and in any order");
});

test("pieces end where chunks do", () => {
  assert.deepEqual(all(new Plan([[0, 25]], 10)), [[0, 10], [10, 20], [20, 25]]);
  assert.deepEqual(all(new Plan([[5, 12], [18, 40]], 10)), [[5, 10], [10, 12], [18, 20], [20, 30], [30, 40]]);
  assert.deepEqual(all(new Plan([], 10)), []);
});

test("a piece that was too large comes again in halves", () => {
  const plan = new Plan([[0, 1024 * K]], 512 * K);
  const first = plan.next();
  plan.next();
  assert.ok(plan.shrink(512 * K, true));
  plan.giveBack(first);
  assert.deepEqual(all(plan), [[0, 256 * K], [256 * K, 512 * K]]);
  assert.equal(plan.most, 256 * K);
  assert.equal(plan.shrink(smallest, true), false);
});

test("pieces that were too slow grow again, those that were refused do not", () => {
  const plan = new Plan([[0, 1 << 30]], 1024 * K);
  plan.shrink(1024 * K, true);
  plan.shrink(512 * K, false);
  for (let i = 0; i < 100; i++) plan.passed();
  const [from, to] = plan.next();
  assert.equal(to - from, 512 * K);
});
