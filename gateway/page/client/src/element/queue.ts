import type { GateError } from "../errors.ts";
import { Upload } from "../upload.ts";
import { Conflicts } from "./conflicts.ts";
import type { Item, ItemState } from "./item.ts";
import type { ActionForAll } from "./overall.tsx";
import type { Owner } from "./owner.ts";

/** Chunks at once of one file. With three files at once a browser's six connections are used. */
const chunksAtOnce = 2;

/** Host trouble, as opposed to that of the gateway or of the file. */
const ofHost = /^host-|^no-space$|^permission-denied$/;

/** Starts what waits, a few files at a time, and keeps items and page in step with their uploads. */
export class Queue {
  items: Item[] = [];
  readonly conflicts: Conflicts;
  /** Uploads whose bytes are being deleted from their hosts just now. */
  deleting = 0;
  #pumping = false;

  constructor(readonly owner: Owner) {
    this.conflicts = new Conflicts(owner, this);
  }

  /** Starts as much as may run at once. */
  pump = (): void => {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      let free = this.owner.options().filesAtOnce;
      for (const item of this.items) if (item.active) free--;
      for (const item of this.items) {
        if (free <= 0) break;
        if (item.state === "queued" && this.#run(item)) free--;
      }
      if (!this.items.some((item) => item.open && item.state !== "paused")) this.conflicts.forAll = undefined;
      this.owner.touch();
    });
  };

  #run(item: Item): boolean {
    const { owner } = this;
    const first = !item.upload;
    if (first && !owner.fire("upload-before", item)) {
      item.state = "skipped";
      return false;
    }
    const upload = item.upload ??= this.#uploadOf(item);
    const paused = upload.state === "paused";
    item.error = undefined;
    item.state = "opening";
    if (paused) upload.resume();
    else void upload.start(item.decision).catch(() => {});
    item.decision = undefined;
    if (first) owner.fire("upload-start", item);
    return true;
  }

  #uploadOf(item: Item): Upload {
    const { owner } = this;
    const { api, overwrite, digest, chunkSize } = owner.options();
    const upload = new Upload({
      api, file: item.file, host: item.host, path: item.path, makeDirs: true,
      digest, chunkSize, concurrency: chunksAtOnce, ifExists: overwrite === "replace" ? "replace" : "fail",
    });
    upload.addEventListener("progress", () => owner.touch(item));
    upload.addEventListener("retry", (e) => {
      const { error, delay } = (e as CustomEvent<{ error: GateError; delay: number }>).detail;
      if (ofHost.test(error.code)) owner.fire("host-error", item, { host: item.host, error, delay });
      owner.touch(item);
    });
    upload.addEventListener("state", () => this.#follow(item, upload));
    return upload;
  }

  #follow(item: Item, upload: Upload): void {
    const { owner } = this;
    item.state = upload.state as ItemState; // an upload that tells of itself is not idle
    if (upload.state === "done") {
      item.result = upload.info;
      owner.tell(item);
      item.upload = undefined; // a finished row keeps nothing but its result
      owner.fire("upload-success", item, { info: item.result });
    }
    if (upload.state === "failed") this.#failed(item, upload.error!);
    owner.touch(item);
    if (!item.active) this.pump();
  }

  #failed(item: Item, error: GateError): void {
    const { owner } = this;
    item.error = error;
    if ((error.code === "target-exists" || error.code === "changed-meanwhile") && owner.options().overwrite !== "fail") {
      void this.conflicts.meet(item, error);
      return;
    }
    if (ofHost.test(error.code)) owner.fire("host-error", item, { host: item.host, error });
    owner.fire("upload-error", item, { error });
  }

  /** Deletes what was sent of an item. Until that is done, who leaves the page is warned. */
  delete(item: Item): void {
    this.deleting++;
    item.upload!.cancel().catch((e: unknown) => {
      if (item.open) return; // it was started again
      item.error = e as GateError;
      item.state = "failed";
    }).finally(() => {
      this.deleting--;
      this.owner.touch(item);
    });
  }

  pause(item: Item): void {
    if (!item.canPause) return;
    if (item.active) item.upload?.pause();
    item.state = "paused";
    this.pump();
  }

  resume(item: Item): void {
    if (!item.canResume) return;
    item.state = "queued";
    this.pump();
  }

  /** Tries again; with `restart` from the first byte, in place of what stands there. */
  retry(item: Item, restart = false): void {
    if (!item.canRetry || !this.owner.fire("upload-retry", item, { restart })) return;
    item.decision = { restart };
    item.state = "queued";
    this.pump();
  }

  cancel(item: Item): void {
    if (!item.canCancel || this.owner.options().noCancel || !this.owner.fire("upload-abort", item)) return;
    this.conflicts.forget(item);
    item.error = undefined;
    if (item.upload) this.delete(item);
    item.state = "cancelled";
    this.pump();
  }

  /** Takes a row away; what is under way is cancelled, or stays on the host as it is where that is not allowed. */
  remove(item: Item): boolean {
    if (this.owner.options().noCancel) {
      this.pause(item);
      this.conflicts.forget(item);
    } else {
      this.cancel(item);
      if (item.open) return false;
    }
    this.items = this.items.filter((i) => i !== item);
    this.pump();
    return true;
  }

  /** Does what a button for all says: what was given up or left out is not tried again with what failed. */
  each(action: ActionForAll): void {
    if (action === "remove") this.items = this.items.filter((i) => i.open);
    else for (const i of this.items) if (action !== "retry" || i.state === "failed") this[action](i);
  }
}
