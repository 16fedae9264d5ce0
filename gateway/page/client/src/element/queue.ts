import type { Api } from "../api.ts";
import { GateError } from "../errors.ts";
import type { UploadOptions } from "../options.ts";
import { Upload } from "../upload.ts";
import type { Item, ItemState } from "./item.ts";

/** What becomes of a file that stands at the target. */
export type Overwrite = "ask" | "fail" | "replace" | "skip";
/** What a person decides about it. */
export type Choice = "replace" | "skip" | "later" | "cancel";

/** What the queue needs of the element. */
export interface Owner {
  /** As the attributes say now. */
  options(): { api: Api; overwrite: Overwrite; digest?: UploadOptions["digest"]; chunkSize?: number; filesAtOnce: number; noCancel: boolean };
  /** Tells the page; false when it prevents what the event announces. */
  fire(name: string, item: Item, more?: Record<string, unknown>): boolean;
  /** Tells the page how far an item is. */
  tell(item: Item): void;
  /** Shows what has changed, soon. */
  touch(item?: Item): void;
}

/** Chunks at once of one file. With three files at once a browser's six connections are used. */
const chunksAtOnce = 2;

/** Host trouble, as opposed to that of the gateway or of the file. */
const ofHost = /^host-|^no-space$|^permission-denied$/;

/** Starts what waits, a few files at a time, and keeps items and page in step with their uploads. */
export class Queue {
  items: Item[] = [];
  /** Items that wait for somebody to decide, the first one first. */
  conflicts: Item[] = [];
  /** Uploads whose bytes are being deleted from their hosts just now. */
  deleting = 0;
  #forAll?: Choice;
  #pumping = false;

  constructor(readonly owner: Owner) {}

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
      if (!this.items.some((item) => item.open && item.state !== "paused")) this.#forAll = undefined;
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
      void this.#conflict(item, error);
      return;
    }
    if (ofHost.test(error.code)) owner.fire("host-error", item, { host: item.host, error });
    owner.fire("upload-error", item, { error });
  }

  async #conflict(item: Item, error: GateError): Promise<void> {
    const { owner } = this;
    item.state = "conflict";
    const detail: { error: GateError; choice?: Choice | Promise<Choice> } = { error };
    if (!owner.fire("conflict", item, detail)) {
      this.decide(item, await Promise.resolve(detail.choice ?? "skip").catch((): Choice => "cancel"));
      return;
    }
    if (owner.options().overwrite === "skip") this.decide(item, "skip");
    // What changed while somebody decided is shown once more, whatever was said of all others.
    else if (this.#forAll && error.code === "target-exists") this.decide(item, this.#forAll);
    else this.conflicts.push(item);
  }

  /** Settles a conflict, or this one and all that come until the queue is through. */
  decide(item: Item, choice: Choice, forAll = false): void {
    if (forAll) this.#forAll = choice;
    const { noCancel } = this.owner.options();
    const settled = forAll ? this.conflicts : [item];
    this.conflicts = forAll ? [] : this.conflicts.filter((i) => i !== item);
    for (const i of settled) {
      if (i.state !== "conflict") continue;
      if (choice === "replace") {
        i.decision = { ifExists: "replace", ifMatch: i.error?.etag };
        i.state = "queued";
      } else if (choice === "later") {
        i.state = "failed"; // what was sent stays for another try
      } else if (choice === "cancel" && !noCancel) {
        this.cancel(i);
        if (i.open) this.conflicts.push(i); // the page has prevented it
      } else {
        if (i.upload?.id && !noCancel) this.#delete(i);
        i.state = "skipped";
      }
    }
    this.pump();
  }

  /** Deletes what was sent of an item. Until that is done, who leaves the page is warned. */
  #delete(item: Item): void {
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
    this.#forget(item);
    item.error = undefined;
    if (item.upload) this.#delete(item);
    item.state = "cancelled";
    this.pump();
  }

  /** Takes a row away; what is under way is cancelled, or stays on the host as it is where that is not allowed. */
  remove(item: Item): boolean {
    if (this.owner.options().noCancel) {
      this.pause(item);
      this.#forget(item);
    } else {
      this.cancel(item);
      if (item.open) return false;
    }
    this.items = this.items.filter((i) => i !== item);
    this.pump();
    return true;
  }

  #forget(item: Item): void { this.conflicts = this.conflicts.filter((i) => i !== item); }
}
