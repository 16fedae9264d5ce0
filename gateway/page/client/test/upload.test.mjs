import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./bundle.mjs";

const { Api, GateError, Upload, WholeDigest } = await load("api.ts", "errors.ts", "upload.ts", "wholedigest.ts");

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
