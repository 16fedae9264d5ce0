import { Api } from "./api.ts";
import { GateError } from "./errors.ts";
import { targetOf, type UploadOptions } from "./options.ts";
import { Tally } from "./tally.ts";
import { Transfer } from "./transfer.ts";
import type { UploadInfo } from "./wire.ts";

/** What an upload does just now. */
export type UploadState = "idle" | "opening" | "sending" | "checking" | "merging" | "paused" | "done" | "failed" | "cancelled";

/** Whether an upload, or an item of the queue, in this state is on its way to the host and can be paused. */
export const isSending = (state: string): boolean => ["opening", "sending", "checking"].includes(state);

/** What may be decided anew before an upload is started again. */
export type Decision = Pick<UploadOptions, "ifExists" | "ifMatch" | "restart">;

/**
 * One file on its way to a host. It survives whatever passes by itself: a network that is gone, a
 * gateway that restarts, a host that does not answer. Only bytes that are not safe on the host yet
 * are ever sent again, also after the page was reloaded and the same file picked again.
 *
 * Events: `state` when the state changes, `progress` when bytes were sent or merged, and `retry`
 * (its detail holds `error`, and `delay` in milliseconds) before something is tried again.
 */
export class Upload extends EventTarget {
  /** Where the file goes. */
  readonly path: string;
  /** Why it failed. */
  error?: GateError;
  /** What is being waited out just now. */
  waiting?: GateError;

  #options: UploadOptions;
  #transfer: Transfer;
  #tally: Tally;
  #state: UploadState = "idle";
  #run = new AbortController();
  #outcome?: Promise<UploadInfo>;
  #leaving = Promise.resolve();
  #settle?: { resolve(u: UploadInfo): void; reject(e: GateError): void };

  constructor(options: UploadOptions) {
    super();
    this.#options = { ...options };
    this.path = targetOf(options);
    this.#tally = new Tally(options.file.size);
    this.#transfer = new Transfer(this.#options, this.path, options.api ?? new Api(options), this.#tally, {
      step: (state) => this.#become(state),
      progress: () => this.#progress(),
      waits: (error, delay) => {
        this.waiting = error;
        if (error) this.dispatchEvent(new CustomEvent("retry", { detail: { error, delay } }));
      },
    });
  }

  get state(): UploadState { return this.#state; }
  get file(): Blob { return this.#options.file; }
  get host(): string { return this.#options.host; }
  get size(): number { return this.file.size; }
  /** What the gateway said last. */
  get info(): UploadInfo | undefined { return this.#transfer.info; }
  /** The gateway's name for this upload, once it is open. */
  get id(): string | undefined { return this.info?.id; }
  /** The digest of the whole file, where one was declared. */
  get digest(): string | undefined { return this.info?.digest ?? undefined; }
  /** Bytes that are on the host, or on their way to it. */
  get sentBytes(): number { return this.#tally.sent; }
  /** Bytes that are in the file on the host. */
  get mergedBytes(): number { return this.#tally.merged; }
  /** Bytes that were read for the digest of the whole file, which goes on in the state `checking`. */
  get hashedBytes(): number { return this.#tally.hashed; }
  /** Bytes a second: sent, and after the last one read for the digest, and merged. */
  get speed(): number { return this.#active ? this.#tally.meter.speed() : 0; }
  /** Seconds until the last byte is sent (read, merged), undefined while that cannot be told. */
  get timeLeft(): number | undefined {
    const { speed } = this;
    return speed > 0 ? (this.size - this.#moved) / speed : undefined;
  }
  get #active(): boolean { return isSending(this.#state) || this.#state === "merging"; }
  get #moved(): number {
    return this.#state === "merging" ? this.mergedBytes : this.#state === "checking" ? this.hashedBytes : this.sentBytes;
  }

  /**
   * Starts, or starts again after a failure. Resolves when the file is at its place, also after
   * pauses; rejects with a {@link GateError} when it failed or was cancelled.
   */
  start(decision?: Decision): Promise<UploadInfo> {
    if (["idle", "failed", "cancelled"].includes(this.#state)) {
      Object.assign(this.#options, decision);
      this.#outcome = new Promise((resolve, reject) => { this.#settle = { resolve, reject }; });
      this.#outcome.catch(() => {}); // who listens to events need not look at it
      this.#go();
    }
    return this.#outcome!;
  }

  /** Stops sending. What is safe on the host stays there. A merge goes on. */
  pause(): void {
    if (!isSending(this.#state)) return;
    this.#stop();
    this.#become("paused");
  }

  /** Goes on after a pause or a failure. */
  resume(): void {
    if (this.#state === "paused") this.#go();
    else if (this.#state === "failed") void this.start();
  }

  /** Gives the upload up. Resolves when nothing of it is left on the host. */
  cancel(): Promise<void> {
    if (this.#state !== "done" && this.#state !== "cancelled") {
      this.#stop();
      this.#become("cancelled");
      this.#leaving = this.#leave(this.#settle);
    }
    return this.#leaving;
  }

  async #leave(settle = this.#settle): Promise<void> {
    try {
      const done = await this.#transfer.cancel();
      if (done) this.#finish(done);
    } finally {
      settle?.reject(new GateError("cancelled")); // unless it was done
    }
  }

  #go(): void {
    const run = this.#run = new AbortController();
    this.error = undefined;
    this.#become("opening");
    // What was stopped may have been done already.
    this.#transfer.run(run.signal).then((u) => this.#finish(u), (e: unknown) => {
      if (run.signal.aborted) return;
      this.#stop();
      this.error = e instanceof GateError ? e : new GateError("unreadable", String(e));
      this.#become("failed");
      this.#settle?.reject(this.error);
    });
  }

  #stop(): void {
    this.#run.abort();
    this.waiting = undefined;
  }

  #finish(u: UploadInfo): void {
    this.#transfer.info = u;
    this.#tally.safe = this.#tally.merged = this.size;
    this.waiting = undefined;
    this.#become("done");
    this.#settle?.resolve(u);
  }

  #progress(): void {
    if (!this.#active) return;
    this.#tally.meter.note(this.#moved);
    this.dispatchEvent(new Event("progress"));
  }

  #become(state: UploadState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#tally.meter.reset();
    this.dispatchEvent(new Event("state"));
  }
}
