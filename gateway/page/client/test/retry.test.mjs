import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { backoff, persist, GateError } = await load("retry.ts", "errors.ts");

test("waits grow up to half a minute, and are spread over all of it", () => {
  assert.equal(backoff(0, 0, () => 1), 500);
  assert.equal(backoff(3, 0, () => 1), 4000);
  assert.equal(backoff(30, 0, () => 1), 30_000);
  assert.equal(backoff(5, 0, () => 0), 0);
});

test("the gateway is left alone for as long as it asks", () => {
  assert.equal(backoff(0, 7, () => 0), 7000);
  assert.ok(backoff(9, 7, () => 1) <= 9000);
});

test("which errors pass by themselves", () => {
  const problem = (status, code, retryable) => GateError.from(status, JSON.stringify({ code, retryable }), "3");
  const passing = (e) => e.passing;
  assert.ok([new GateError("network"), problem(503, "host-unreachable", true), problem(429, "too-many", true), problem(408, "request-timeout", true),
    GateError.from(502, "<h1>Bad gateway</h1>", null)].every(passing));
  assert.ok(![problem(409, "target-exists", false), problem(423, "owned-by-another", true), problem(502, "host-refused", false),
    problem(507, "no-space", true), problem(404, "unknown-upload", true), GateError.from(403, "", null)].some(passing));
  assert.equal(problem(503, "shutting-down", true).retryAfter, 3);
});

test("a refusal ends it, and so does an abort in the middle of a wait", async () => {
  const stop = new AbortController();
  const patience = { signal: stop.signal, giveUpAfter: 1e6, reached: () => 0, waits: (error) => error && setTimeout(() => stop.abort(new Error("left"))) };
  await assert.rejects(persist(patience, () => Promise.reject(new GateError("target-exists"))), { code: "target-exists" });
  await assert.rejects(persist(patience, () => Promise.reject(new GateError("too-many", "", 429, true, 60))), /left/);
});
