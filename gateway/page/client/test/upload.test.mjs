import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./bundle.mjs";

const { Api, contentDigest, GateError, Upload, WholeDigest } = await load("api.ts", "digest.ts", "errors.ts", "upload.ts", "wholedigest.ts");

const soon = () => new Promise((then) => setTimeout(then, 20));
const done = { id: "u1", state: "done", merged_bytes: 3 };

/** XMLHttpRequest whose bodies have left at once, and which is answered by hand. */
class FakeXhr {
  static sent = [];
  upload = {};
  open(method, url) { Object.assign(this, { method, url }); }
  setRequestHeader() {}
  getResponseHeader() { return null; }
  send() { FakeXhr.sent.push(this); this.upload.onload?.(); }
  abort() { this.aborted = true; }
  answer(status, text) { Object.assign(this, { status, responseText: text }); this.onload(); }
}
globalThis.XMLHttpRequest = FakeXhr;
beforeEach(() => { FakeXhr.sent = []; });

/** A file of which chunks are sent, with its content at the time. */
class Changing extends Blob {
  constructor(size) {
    super([new Uint8Array(size)]);
    this.now = new Blob([new Uint8Array(size)]);
  }
  slice(from, to) { return this.now.slice(from, to); }
}
const sizeOf = 5 << 20;
const opened = { id: "u1", state: "receiving", received: [], merged_bytes: 0, chunk_size: 8 << 20 };

/** Waits for something, for two seconds at most. */
async function until(what) {
  for (let n = 0; !what() && n < 100; n++) await soon();
}

/** A gateway of which only the calls given answer. */
function gateway(calls = {}, options = {}) {
  return Object.assign(new Api({ endpoint: "https://gate.example/", ...options }), calls);
}
const small = (api, more) => new Upload({ api, file: new Blob(["abc"]), host: "h", path: "/d/a", checksum: false, ...more });

test("a small file that has left is awaited, and is done although it was cancelled", async () => {
  const upload = small(gateway());
  const outcome = upload.start();
  await soon();
  const cancelled = upload.cancel();
  assert.equal(FakeXhr.sent[0].aborted, undefined);
  FakeXhr.sent[0].answer(200, JSON.stringify(done));
  await cancelled;
  assert.equal(upload.state, "done");
  assert.equal((await outcome).id, "u1");
});

test("nothing is sent when it is aborted while the ticket is fetched", async () => {
  let give;
  const upload = small(gateway({}, { ticket: () => new Promise((then) => { give = then; }) }));
  const outcome = upload.start();
  await soon();
  const cancelled = upload.cancel();
  give("ticket");
  await cancelled;
  await assert.rejects(outcome, { code: "cancelled" });
  assert.equal(FakeXhr.sent.length, 0);
});

test("a file whose answer was lost is sent once more, and is told to be there", async () => {
  const upload = small(gateway());
  const outcome = upload.start();
  await soon();
  FakeXhr.sent[0].answer(504, "<h1>Gateway timeout</h1>");
  await until(() => FakeXhr.sent.length === 2);
  FakeXhr.sent[1].answer(200, JSON.stringify(done));
  await outcome;
  assert.equal(upload.state, "done");
});

test("an upload starts again only once its cancel has ended", async () => {
  const said = [];
  let deleted;
  const upload = new Upload({
    host: "h", path: "/d/a", file: new Blob([new Uint8Array(5 << 20)]),
    api: gateway({
      open: async () => { said.push("open"); return { id: "u1", state: "receiving", received: [], merged_bytes: 0, chunk_size: 8 << 20 }; },
      cancel: () => { said.push("cancel"); return new Promise((then) => { deleted = then; }); },
    }),
  });
  upload.start();
  await until(() => said.length);
  const cancelled = upload.cancel();
  await until(() => deleted);
  upload.start();
  await soon();
  assert.deepEqual(said, ["open", "cancel"]);
  deleted();
  await cancelled;
  await until(() => said.length === 3);
  assert.deepEqual(said, ["open", "cancel", "open"]);
  deleted = undefined;
  void upload.cancel();
  await until(() => deleted);
  deleted();
});

test("a second opening and a cancel wait for the one that is under way", async () => {
  const said = [];
  const opened = [];
  const upload = new Upload({
    host: "h", path: "/d/a", file: new Blob([new Uint8Array(5 << 20)]),
    api: gateway({
      open: () => { said.push("open"); return new Promise((then) => opened.push(then)); },
      cancel: async () => { said.push("cancel"); },
    }),
  });
  upload.start();
  await until(() => said.length);
  upload.pause();
  upload.resume();
  const cancelled = upload.cancel();
  await soon();
  assert.deepEqual(said, ["open"]);
  opened[0]({ id: "u1", state: "receiving", received: [], merged_bytes: 0 });
  await cancelled;
  assert.deepEqual(said, ["open", "cancel"]);
});

test("the digest of a whole file waits through a pause, and is not begun anew", async () => {
  const at = [];
  const run = new AbortController();
  const digest = new WholeDigest(new Blob([new Uint8Array(3 << 20)]), (n) => { at.push(n); if (n === 1 << 20) run.abort(); });
  await assert.rejects(digest.read(run.signal));
  await soon();
  assert.equal(digest.value, undefined);
  await digest.read(new AbortController().signal);
  assert.match(digest.value, /^sha-256=:/);
  assert.deepEqual(at, [0, 1 << 20, 2 << 20]);
});

test("starting over reads the digest of the whole file anew", async () => {
  const file = new Changing(sizeOf);
  const merges = [];
  const opens = [];
  const upload = new Upload({
    host: "h", path: "/d/a", file, digest: "whole",
    api: gateway({
      open: async (request) => { opens.push(request); return opened; },
      merge: async (id, { json }) => { merges.push(json.digest); return { ...done, id }; },
    }),
  });
  const first = upload.start();
  await until(() => FakeXhr.sent.length === 1 && upload.hashedBytes === 4 << 20);
  FakeXhr.sent[0].answer(409, JSON.stringify({ code: "chunk-conflict" }));
  await assert.rejects(first, { code: "chunk-conflict" });
  file.now = new Blob([new Uint8Array(sizeOf).fill(7)]);
  const second = upload.start({ restart: true });
  await until(() => FakeXhr.sent.length === 2);
  FakeXhr.sent[1].answer(200, JSON.stringify(opened));
  await second;
  assert.deepEqual(merges, [await contentDigest(file.now)]);
  assert.notEqual(opens[1].fingerprint, opens[0].fingerprint);
  assert.equal(opens[1].restart, true);
});

test("a proxy that answers in the gateway's place is waited out while an upload runs", async (t) => {
  t.mock.method(Math, "random", () => 0.01);
  let merges = 0;
  const upload = new Upload({
    host: "h", path: "/d/a", file: new Blob([new Uint8Array(sizeOf)]),
    api: gateway({
      open: async () => opened,
      merge: async () => { if (!merges++) throw new GateError("proxy", "HTTP 404", 404); return done; },
    }),
  });
  const outcome = upload.start();
  const waits = [];
  upload.addEventListener("retry", (e) => waits.push(e.detail.error.code));
  for (const [n, status] of [404, 200, 502].entries()) {
    await until(() => FakeXhr.sent.length === n + 1);
    FakeXhr.sent[n].answer(status, "<h1>Sign in</h1>");
  }
  await until(() => FakeXhr.sent.length === 4);
  FakeXhr.sent[3].answer(200, JSON.stringify(opened));
  await outcome;
  assert.deepEqual(waits, ["proxy", "proxy", "proxy", "proxy"]);
  assert.equal(upload.state, "done");
});

test("a proxy that never stops answering ends an upload after the usual time", async (t) => {
  t.mock.method(Math, "random", () => 0.01);
  const upload = new Upload({ host: "h", path: "/d/a", file: new Blob([new Uint8Array(sizeOf)]), giveUpAfter: 10, api: gateway({ open: async () => opened }) });
  const outcome = upload.start();
  for (const n of [0, 1]) {
    await until(() => FakeXhr.sent.length === n + 1);
    FakeXhr.sent[n].answer(404, "<h1>Not found</h1>");
  }
  await assert.rejects(outcome, { code: "proxy" });
});

test("a successful answer that is not the gateway's is a proxy's", async () => {
  const before = globalThis.fetch;
  globalThis.fetch = async () => new Response("<h1>Sign in</h1>", { status: 200 });
  await assert.rejects(gateway().me(), (e) => e instanceof GateError && e.code === "proxy" && !e.passing);
  globalThis.fetch = before;
  const upload = small(gateway());
  const outcome = upload.start();
  await soon();
  FakeXhr.sent[0].answer(200, "<h1>Sign in</h1>");
  await assert.rejects(outcome, { code: "proxy" });
});

test("bodies that are too slow even in the smallest pieces go one at a time, until one was quick", async (t) => {
  t.mock.method(Math, "random", () => 0.01);
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const upload = new Upload({
    host: "h", path: "/d/a", file: new Blob([new Uint8Array(sizeOf)]), checksum: false,
    api: gateway({ open: async () => ({ ...opened, chunk_size: 64 << 10 }), cancel: async () => {} }),
  });
  upload.start().catch(() => {});
  t.after(() => upload.cancel());
  const { sent } = FakeXhr;
  const answered = async (from, status, all) => {
    for (const xhr of sent.slice(from)) xhr.answer(status, JSON.stringify(status < 300 ? opened : { code: "request-timeout", retryable: true }));
    await until(() => sent.length > all);
    return sent.length;
  };
  await until(() => sent.length === 3);
  now += 100_000;
  assert.equal(await answered(0, 408, 3), 4);
  now += 53_000;
  assert.equal(await answered(3, 200, 4), 5);
  await soon();
  assert.equal(sent.length, 5);
  now += 1000;
  await answered(4, 200, 7);
  assert.equal(sent.length, 8);
});
