import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { Item, Queue } = await load("element/item.ts", "element/queue.ts");

test("what is tried again all at once is what failed, and not what was given up or left out", async () => {
  const queue = new Queue({ options: () => ({ filesAtOnce: 0 }), fire: () => true, touch() {}, tell() {} });
  for (const [i, state] of ["failed", "cancelled", "skipped", "paused"].entries()) {
    queue.items.push(Object.assign(new Item(i, new File(["x"], state), state, "h", `/d/${state}`), { state }));
  }
  queue.each("retry");
  assert.deepEqual(queue.items.map((i) => i.state), ["queued", "cancelled", "skipped", "paused"]);
  queue.retry(queue.items[1]);
  assert.equal(queue.items[1].state, "queued");
});
