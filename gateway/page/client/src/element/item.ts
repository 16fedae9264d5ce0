import type { GateError } from "../errors.ts";
import { isSending, type Decision, type Upload } from "../upload.ts";
import type { UploadInfo } from "../wire.ts";

/** How an item of the queue stands. */
export type ItemState =
  | "queued" | "opening" | "sending" | "checking" | "merging" | "paused"
  | "conflict" | "done" | "failed" | "cancelled" | "skipped";

/** One file of the queue. */
export class Item {
  state: ItemState = "queued";
  /** Set while there is something under way, or something to go on with. */
  upload?: Upload;
  error?: GateError;
  /** The gateway's last word when it is done. */
  result?: UploadInfo;
  /** What was decided about a file in the way. */
  decision?: Decision;
  /** What the page was told of it last: bytes sent, and bytes merged. */
  told = [0, 0];

  constructor(
    readonly key: number,
    readonly file: File,
    /** The file's name, with its directories below what was picked. */
    readonly name: string,
    readonly host: string,
    /** Where it goes, absolute. */
    readonly path: string,
  ) {}

  get size(): number { return this.file.size; }
  get sentBytes(): number { return this.state === "done" ? this.size : this.upload?.sentBytes ?? 0; }
  get mergedBytes(): number { return this.state === "done" ? this.size : this.upload?.mergedBytes ?? 0; }
  /** Whether it takes one of the places of what is sent at once. */
  get active(): boolean { return isSending(this.state) || this.state === "merging"; }
  /** Whether it still has to arrive. */
  get open(): boolean { return this.active || this.state === "queued" || this.state === "paused" || this.state === "conflict"; }
  get lastName(): string { return this.path.slice(this.path.lastIndexOf("/") + 1); }
  get directory(): string { return this.path.slice(0, this.path.lastIndexOf("/")) || "/"; }

  get canPause(): boolean { return this.state === "queued" || isSending(this.state); }
  get canResume(): boolean { return this.state === "paused"; }
  get canRetry(): boolean { return this.state === "failed" || this.state === "cancelled" || this.state === "skipped"; }
  get canCancel(): boolean { return this.open; }
  /**
   * Whether what stands in its way is the caller's own: another file that was begun at this place, or
   * this one, changed; or one that came out on the host as another than was declared.
   */
  get canRestart(): boolean {
    const { error, upload } = this;
    return this.state === "failed" && (error?.code === "chunk-conflict" || (error?.code === "different-file" && !!error.upload) ||
      (error?.code === "digest-mismatch" && upload?.info?.state === "failed"));
  }
}
