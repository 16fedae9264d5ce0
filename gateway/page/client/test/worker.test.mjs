import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { load } from "./bundle.mjs";

/** A worker that answers as it is told, and never in the way of a real one. */
class FakeWorker {
  static last;
  asked = [];
  constructor() { FakeWorker.last = this; }
  postMessage(question) { this.asked.push(question); }
  terminate() { this.ended = true; }
  say(data) { return this.onmessage({ data }); }
}
globalThis.Worker = FakeWorker;

const { contentDigest } = await load("digest.ts");
const bytes = randomBytes((2 << 20) + 5);
const digest = `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`;
const soon = () => new Promise((then) => setImmediate(then));

test("a worker that dies without an event is given up, and its work done here", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const at = [];
  let go;
  const paused = contentDigest(new Blob([bytes]), (n) => (n || go ? true : new Promise((then) => { go = then; })));
  const hashed = contentDigest(new Blob([bytes]), (n) => at.push(n) > 0);
  const worker = FakeWorker.last;
  worker.say("something else");
  worker.say("ready");
  await soon();
  assert.deepEqual(worker.asked.map((q) => q.id), [1, 2]);
  worker.say({ id: 1, at: 0 });
  worker.say({ id: 2, at: 0 });
  await soon();
  assert.deepEqual(worker.asked.slice(2), [{ id: 2, on: true }], "the first one waits for its pause to end");
  t.mock.timers.tick(29_999);
  worker.say({ id: 2, at: 1 << 20 });
  await soon();
  t.mock.timers.tick(29_999);
  assert.equal(worker.ended, undefined, "one that moves is left alone");
  t.mock.timers.tick(1);
  assert.equal(worker.ended, true);
  assert.equal(await hashed, digest);
  assert.deepEqual(at, [0, 1 << 20, 0, 1 << 20, 2 << 20], "read from its first byte");
  go(true);
  assert.equal(await paused, digest);
  await worker.say({ id: 2, sum: new Uint8Array(32) }); // what comes too late is nothing
  const before = worker.asked.length;
  assert.equal(await contentDigest(new Blob([bytes]), () => true), digest, "and the next one is done here at once");
  assert.equal(worker.asked.length, before);
});

test("a worker that only waits for a pause to end is not given up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { contentDigest: anew } = await load("digest.ts", "sha256.ts");
  let go;
  const sum = anew(new Blob([bytes]), () => new Promise((then) => { go = then; }));
  const worker = FakeWorker.last;
  worker.say("ready");
  await soon();
  worker.say({ id: 1, at: 0 });
  await soon();
  t.mock.timers.tick(3_600_000);
  assert.equal(worker.ended, undefined);
  go(true);
  await soon();
  assert.deepEqual(worker.asked[1], { id: 1, on: true });
  worker.say({ id: 1, sum: Uint8Array.from(createHash("sha256").update(bytes).digest()) });
  assert.equal(await sum, digest);
});
