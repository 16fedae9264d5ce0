import { Api, type UploadInfo } from "./api.ts";
import { missing, Plan, total, type Range } from "./chunks.ts";
import { contentDigest } from "./digest.ts";
import { GateError } from "./errors.ts";
import { ended, follow } from "./events.ts";
import { fingerprint } from "./fingerprint.ts";
import { Meter } from "./meter.ts";
import { targetOf, timeText, type UploadOptions } from "./options.ts";
import { backoff, rest } from "./retry.ts";
import { send } from "./send.ts";
import { chunksMayPass, sendWhole, wholeLimit } from "./whole.ts";

/** What an upload does just now. */
export type UploadState = "idle" | "opening" | "sending" | "merging" | "paused" | "done" | "failed" | "cancelled";

/** What may be decided anew before an upload is started again. */
export type Decision = Pick<UploadOptions, "ifExists" | "ifMatch" | "restart">;

interface Settle {
  resolve(u: UploadInfo): void;
  reject(e: GateError): void;
}

/** How often bytes that did not match their digest are sent again. */
const mismatches = 3;

/**
 * One file on its way to a host. It survives whatever passes by itself: a network that is gone, a
 * gateway that restarts, a host that does not answer. Only bytes that are not safe on the host yet
 * are ever sent again, also after the page was reloaded and the same file picked again.
 *
 * Events: `state` when the state changes, `progress` when bytes were sent or merged, and `retry`
 * (its detail holds `error` and `delay` in milliseconds) before something is tried again.
 */
export class Upload extends EventTarget {
  /** Where the file goes. */
  readonly path: string;
  /** What the gateway said last. */
  info?: UploadInfo;
  /** Why it failed. */
  error?: GateError;
  /** What is being waited out just now. */
  waiting?: GateError;

  #options: UploadOptions;
  #api: Api;
  #state: UploadState = "idle";
  #run = new AbortController();
  #opening?: Promise<UploadInfo>;
  #outcome?: Settle & { promise: Promise<UploadInfo> };
  #fingerprint?: string;
  #inChunks: boolean;
  #token?: string;
  #most?: number;
  #safe = 0;
  #flying = new Map<object, number>();
  #merged = 0;
  #meter = new Meter();

  constructor(options: UploadOptions) {
    super();
    this.#options = { ...options };
    this.path = targetOf(options);
    this.#api = new Api(options);
    this.#inChunks = options.file.size > wholeLimit;
  }

  get state(): UploadState { return this.#state; }
  get file(): Blob { return this.#options.file; }
  get host(): string { return this.#options.host; }
  /** The gateway's name for this upload, once it is open. */
  get id(): string | undefined { return this.info?.id; }
  get size(): number { return this.file.size; }
  /** The digest of the whole file, where one was declared. */
  get digest(): string | undefined { return this.info?.digest ?? undefined; }
  /** Bytes that are on the host, or on their way to it. */
  get sentBytes(): number {
    let n = this.#safe;
    for (const sent of this.#flying.values()) n += sent;
    return Math.min(n, this.size);
  }
  /** Bytes that are in the file on the host. */
  get mergedBytes(): number { return this.#state === "done" ? this.size : this.#merged; }
  /** Bytes a second: sent, and after the last one merged. */
  get speed(): number { return this.#active ? this.#meter.speed() : 0; }
  /** Seconds until the last byte is sent (merged), undefined while that cannot be told. */
  get timeLeft(): number | undefined {
    const left = this.size - (this.#state === "merging" ? this.mergedBytes : this.sentBytes);
    return this.speed > 0 ? left / this.speed : undefined;
  }
  get #active(): boolean { return ["opening", "sending", "merging"].includes(this.#state); }

  /**
   * Starts, or starts again after a failure. Resolves when the file is at its place, also after
   * pauses; rejects with a {@link GateError} when it failed or was cancelled.
   */
  start(decision?: Decision): Promise<UploadInfo> {
    Object.assign(this.#options, decision);
    if (this.#state === "idle" || this.#state === "failed" || this.#state === "cancelled") {
      let settle!: Settle;
      const promise = new Promise<UploadInfo>((resolve, reject) => { settle = { resolve, reject }; });
      promise.catch(() => {}); // who listens to events need not look at it
      this.#outcome = { promise, ...settle };
      this.#go();
    }
    return this.#outcome!.promise;
  }

  /** Stops sending. What is safe on the host stays there. A merge goes on. */
  pause(): void {
    if (this.#state !== "opening" && this.#state !== "sending") return;
    this.#stop();
    this.#become("paused");
  }

  /** Goes on after a pause or a failure. */
  resume(): void {
    if (this.#state === "paused") this.#go();
    else if (this.#state === "failed") void this.start();
  }

  /** Gives the upload up. Resolves when nothing of it is left on the host. */
  async cancel(): Promise<void> {
    if (this.#state === "done" || this.#state === "cancelled") return;
    this.#stop();
    this.#become("cancelled");
    this.#outcome?.reject(new GateError("cancelled"));
    await this.#opening?.catch(() => {}); // it may have opened the upload after all
    const id = this.info?.id;
    if (!id) return;
    try {
      await this.#persist(new AbortController().signal, () => this.#api.cancel(id, { token: this.#token }));
    } catch (e) {
      const error = e as GateError;
      if (error.code === "unknown-upload") return;
      const now = await this.#api.upload(id, { token: this.#token }).catch(() => undefined);
      if (now?.state === "done") this.#finish(now);
      else throw error;
    }
  }

  #stop(): void {
    this.#run.abort();
    this.#flying.clear();
    this.waiting = undefined;
  }

  #go(): void {
    const run = this.#run = new AbortController();
    this.error = this.waiting = undefined;
    this.#meter.reset();
    this.#become("opening");
    this.#work(run.signal).then((u) => this.#finish(u), (e: unknown) => {
      if (run.signal.aborted) return;
      this.#stop();
      this.error = e instanceof GateError ? e : new GateError("unreadable", String(e));
      this.#become("failed");
      this.#outcome?.reject(this.error);
    });
  }

  #finish(u: UploadInfo): void {
    this.#note(u);
    this.#safe = this.size;
    this.waiting = undefined;
    this.#become("done");
    this.#outcome?.resolve(u);
  }

  async #work(signal: AbortSignal): Promise<UploadInfo> {
    if (!this.#inChunks) {
      try {
        return await this.#whole(signal);
      } catch (e) {
        if (signal.aborted || !(e instanceof GateError) || !chunksMayPass(e)) throw e;
        this.#inChunks = true;
        if (e.code === "too-large") this.#most = Math.ceil(this.size / 2);
      }
    }
    this.#fingerprint ??= await fingerprint(this.file);
    // An upload that the gateway does not know any more is opened again: it is still on the host.
    return this.#persist(signal, () => this.#inPieces(signal), "unknown-upload");
  }

  #whole(signal: AbortSignal): Promise<UploadInfo> {
    this.#become("sending");
    return this.#persist(signal, () => {
      const body = {};
      return sendWhole(this.#api, this.path, this.#options, signal, (n) => this.#flew(body, n))
        .finally(() => this.#flying.delete(body));
    }, undefined, chunksMayPass);
  }

  async #inPieces(signal: AbortSignal): Promise<UploadInfo> {
    const u = await this.#open(signal);
    if (u.state === "done") return u;
    const received = u.received ?? [];
    this.#safe = total(received);
    for (let gaps = missing(received, this.size); ;) {
      if (gaps.length) {
        this.#become("sending");
        await this.#send(gaps, u.chunk_size ?? this.#chunkSize, signal);
      }
      try {
        return await this.#merge(signal);
      } catch (e) {
        if (!(e instanceof GateError) || e.code !== "incomplete" || !e.missing?.length) throw e;
        gaps = e.missing;
        this.#safe = this.size - total(gaps);
      }
    }
  }

  get #chunkSize(): number { return this.#options.chunkSize || 8 << 20; }

  async #open(signal: AbortSignal): Promise<UploadInfo> {
    const o = this.#options;
    this.#become("opening");
    // It is not aborted by a pause: an upload that opened unheard could not be cancelled.
    const opening: Promise<UploadInfo> = this.#opening = this.#api.open({
      host: o.host, path: this.path, size: this.size, chunk_size: this.#chunkSize, fingerprint: this.#fingerprint,
      if_exists: o.ifMatch ? "replace" : o.ifExists, if_match: o.ifMatch, restart: o.restart || undefined,
      mode: o.mode, mtime: timeText(o.mtime), make_dirs: o.makeDirs || undefined,
    }).then((u) => {
      this.#note(u);
      this.#token = u.token ?? this.#token;
      o.restart = false; // done: the next time it would give up this very upload
      return u;
    });
    const u = await opening;
    signal.throwIfAborted();
    return u;
  }

  async #send(gaps: Range[], chunkSize: number, signal: AbortSignal): Promise<void> {
    const plan = new Plan(gaps, chunkSize, this.#most);
    const stop = new AbortController();
    const abort = () => stop.abort(signal.reason);
    signal.addEventListener("abort", abort);
    const lane = async () => {
      try {
        for (let piece; (piece = plan.next());) await this.#piece(plan, piece, stop.signal);
      } catch (e) {
        stop.abort(e); // the first error ends the other lanes, with the same reason
        throw e;
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: this.#options.concurrency || 3 }, lane));
    signal.removeEventListener("abort", abort);
    this.#most = plan.most;
    signal.throwIfAborted();
    if (lanes.some((l) => l.status === "rejected")) throw stop.signal.reason;
  }

  /** Sends a piece, or gives it back to be sent in smaller ones. */
  async #piece(plan: Plan, piece: Range, signal: AbortSignal): Promise<void> {
    const [from, to] = piece;
    const bytes = this.file.slice(from, to);
    const whole = from % plan.chunkSize === 0 && (to - from === plan.chunkSize || to === this.size);
    let bad = 0;
    const giveBack = (e: GateError): boolean => {
      if (e.code === "digest-mismatch") return false;
      const moved = (this.#flying.get(piece) ?? 0) > 0;
      const slow = e.code === "stalled" || e.status === 408 || e.status === 504 || (e.code === "network" && moved && globalThis.navigator?.onLine !== false);
      return (e.status === 413 || slow) && plan.shrink(to - from, e.status === 413);
    };
    try {
      await this.#persist(signal, async () => {
        const headers: Record<string, string> = {};
        if (!whole) headers["Content-Range"] = `bytes ${from}-${to - 1}/${this.size}`;
        if (this.#options.checksum !== false) headers["Content-Digest"] = await contentDigest(bytes);
        signal.throwIfAborted();
        const path = this.#api.path(this.id!, whole ? `/chunks/${from / plan.chunkSize}` : "/data");
        this.#note(await send<UploadInfo>(this.#api, { path, headers, bytes, token: this.#token, signal, onProgress: (n) => this.#flew(piece, n) }));
      }, undefined, giveBack, (e) => e.code === "digest-mismatch" && ++bad < mismatches);
      plan.passed();
      this.#safe += to - from;
    } catch (e) {
      if (signal.aborted || !(e instanceof GateError) || !giveBack(e)) throw e;
      plan.giveBack(piece);
    } finally {
      this.#flying.delete(piece);
      this.#progress();
    }
  }

  #merge(signal: AbortSignal): Promise<UploadInfo> {
    this.#meter.reset();
    this.#become("merging");
    const call = { token: this.#token, signal };
    return this.#persist<UploadInfo>(signal, async () => {
      const id = this.id!;
      let u = await this.#api.merge(id, call);
      this.#note(u);
      if (!ended(u)) u = await follow(this.#api, id, this.#token, signal, (now) => this.#note(now));
      if (u.state === "done") return u;
      throw u.state === "cancelled" ? new GateError("cancelled") : GateError.of(u.error ?? {});
    });
  }

  /** Does something until it succeeds or fails for good, and waits between tries. */
  async #persist<T>(signal: AbortSignal, work: () => Promise<T>, code?: string, enough?: (e: GateError) => boolean, also?: (e: GateError) => boolean): Promise<T> {
    let waited = 0;
    for (let attempt = 0, before = this.#safe + this.#merged; ; attempt++) {
      try {
        const result = await work();
        this.waiting = undefined;
        return result;
      } catch (e) {
        signal.throwIfAborted();
        if (!(e instanceof GateError)) throw e;
        if (enough?.(e) || !(e.passing || e.code === code || also?.(e))) throw e;
        if (this.#safe + this.#merged !== before) attempt = waited = 0;
        before = this.#safe + this.#merged;
        const delay = backoff(attempt, e.retryAfter);
        if ((waited += delay) > (this.#options.giveUpAfter ?? 3_600_000)) throw e;
        this.waiting = e;
        this.dispatchEvent(new CustomEvent("retry", { detail: { error: e, delay } }));
        await rest(e, delay, signal);
      }
    }
  }

  #note(u: UploadInfo): void {
    // Answers to chunks overtake each other; what they lack is kept.
    this.info = { ...this.info, ...u };
    this.#merged = this.#state === "opening" ? u.merged_bytes : Math.max(this.#merged, u.merged_bytes);
    this.#progress();
  }

  #flew(body: object, sent: number): void {
    this.#flying.set(body, sent);
    this.#progress();
  }

  #progress(): void {
    if (!this.#active) return;
    this.#meter.note(this.#state === "merging" ? this.#merged : this.sentBytes);
    this.dispatchEvent(new Event("progress"));
  }

  #become(state: UploadState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.dispatchEvent(new Event("state"));
  }
}
