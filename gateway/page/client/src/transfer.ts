import type { Api } from "./api.ts";
import { missing, Plan, total } from "./chunks.ts";
import { GateError } from "./errors.ts";
import { ended, follow } from "./events.ts";
import { fingerprint } from "./fingerprint.ts";
import { sendAll } from "./lanes.ts";
import { timeText, type UploadOptions } from "./options.ts";
import { sendPiece, underWay } from "./piece.ts";
import { persist, type Patience } from "./retry.ts";
import type { Tally } from "./tally.ts";
import { chunksMayPass, sendWhole, wholeLimit } from "./whole.ts";
import { WholeDigest } from "./wholedigest.ts";
import type { UploadInfo } from "./wire.ts";

/** What a transfer tells of itself. */
export interface Watcher {
  step(state: "opening" | "sending" | "checking" | "merging"): void;
  progress(): void;
  waits(error?: GateError, delay?: number): void;
}

/** Brings a file to its place: opens the upload, sends what is missing, and has it merged. */
export class Transfer {
  info?: UploadInfo;
  #last: Promise<UploadInfo | undefined> = Promise.resolve(undefined);
  #token?: string;
  #fingerprint?: string;
  #hash?: WholeDigest;
  #inChunks: boolean;
  #most?: number; // bytes in a body, once a larger one was refused

  constructor(
    readonly options: UploadOptions, readonly path: string, readonly api: Api,
    readonly tally: Tally, readonly watcher: Watcher,
  ) {
    this.#inChunks = options.file.size > wholeLimit;
  }

  /** Starts, or goes on. Only bytes that are not safe on the host yet are sent. */
  run(signal: AbortSignal): Promise<UploadInfo> {
    return this.#next(() => this.#run(signal)) as Promise<UploadInfo>;
  }

  /** Gives the upload up. Resolves with the upload if it was done already. */
  cancel(): Promise<UploadInfo | undefined> {
    this.#forgetHash();
    return this.#next(() => this.#cancel());
  }

  /**
   * Runs and cancels follow each other: what was aborted may still open the upload, or bring the
   * file to its place, and then that is the outcome.
   */
  #next(work: () => Promise<UploadInfo | undefined>): Promise<UploadInfo | undefined> {
    return this.#last = this.#last.catch(() => undefined).then((u) => u ?? work());
  }

  async #run(signal: AbortSignal): Promise<UploadInfo> {
    const { options } = this;
    if (options.restart) { // the file may be another by now
      this.#fingerprint = undefined;
      this.#forgetHash();
    }
    const patience = this.#patience(signal);
    if (!this.#inChunks) {
      try {
        this.watcher.step("sending");
        let repeated = false;
        // The file may have arrived although the answer did not: a second request is told so.
        const again = (e: GateError) => !chunksMayPass(e) || (e.code !== "request-timeout" && !repeated && (repeated = true));
        return await persist(patience, () => this.#whole(signal), (e) => e.passing && again(e));
      } catch (e) {
        if (signal.aborted || !(e instanceof GateError) || !chunksMayPass(e)) throw e;
        this.#inChunks = true;
      }
    }
    this.#fingerprint ??= await fingerprint(options.file);
    // An upload that the gateway does not know any more is opened again: it is still on the host.
    return persist(patience, () => this.#pieces(signal), (e) => e.passing || e.code === "unknown-upload");
  }

  async #cancel(): Promise<UploadInfo | undefined> {
    const id = this.info?.id;
    if (!id) return undefined;
    const call = { token: this.#token };
    try {
      await persist(this.#patience(new AbortController().signal), () => this.api.cancel(id, call));
    } catch (e) {
      if ((e as GateError).code === "unknown-upload") return undefined;
      const now = await this.api.upload(id, call).catch(() => undefined);
      if (now?.state === "done") return now;
      throw e;
    }
    return undefined;
  }

  #forgetHash(): void {
    this.#hash?.end();
    this.#hash = undefined;
  }

  #patience(signal: AbortSignal): Patience {
    const { tally, watcher, options } = this;
    return { signal, giveUpAfter: options.giveUpAfter ?? 3_600_000, reached: () => tally.safe + tally.merged, waits: watcher.waits };
  }

  #whole(signal: AbortSignal): Promise<UploadInfo> {
    const body = {};
    return sendWhole(this.api, this.path, this.options, signal, (n) => this.#flew(body, n)).finally(() => this.tally.land(body));
  }

  async #pieces(signal: AbortSignal): Promise<UploadInfo> {
    const { file, concurrency = 3 } = this.options;
    const u = await this.#open(signal);
    if (u.state === "done") return u;
    if (this.options.digest === "whole" && !u.digest) this.#hash ??= new WholeDigest(file, (at) => {
      this.tally.hashed = at;
      this.watcher.progress();
    });
    const hashed = this.#hash?.read(signal);
    hashed?.catch(() => {}); // who waits for it hears of it
    for (let gaps = missing(u.received ?? [], file.size); ;) {
      this.tally.safe = file.size - total(gaps);
      if (gaps.length) {
        this.watcher.step("sending");
        const plan = new Plan(gaps, u.chunk_size ?? this.#chunkSize, this.#most);
        await sendAll(plan, concurrency, signal, (piece, stop) => sendPiece({
          api: this.api, id: u.id, options: this.options, tally: this.tally, token: this.#token, patience: this.#patience(stop),
          took: (now) => this.#note(now), flew: (body, n) => this.#flew(body, n), progress: this.watcher.progress,
        }, plan, piece)).finally(() => { this.#most = plan.most; });
      }
      if (this.#hash && !this.#hash.value) {
        this.watcher.step("checking");
        await hashed;
      }
      try {
        return await this.#merge(signal);
      } catch (e) {
        if (!(e instanceof GateError) || e.code !== "incomplete" || !e.missing?.length) throw e;
        gaps = e.missing;
      }
    }
  }

  get #chunkSize(): number { return this.options.chunkSize || 8 << 20; }

  async #open(signal: AbortSignal): Promise<UploadInfo> {
    const o = this.options;
    this.watcher.step("opening");
    // It is not aborted by a pause: an upload that opened unheard could not be cancelled.
    const u = await this.api.open({
      host: o.host, path: this.path, size: o.file.size, chunk_size: this.#chunkSize, fingerprint: this.#fingerprint,
      if_exists: o.ifMatch ? "replace" : o.ifExists, if_match: o.ifMatch, restart: o.restart || undefined,
      mode: o.mode, mtime: timeText(o.mtime), make_dirs: o.makeDirs || undefined,
    });
    this.#note(u);
    this.tally.merged = u.merged_bytes;
    this.#token = u.token ?? this.#token;
    o.restart = false; // the next time it would give up this very upload
    signal.throwIfAborted();
    return u;
  }

  #merge(signal: AbortSignal): Promise<UploadInfo> {
    this.watcher.step("merging");
    const id = this.info!.id;
    const call = { token: this.#token, signal };
    const json = this.#hash && { digest: this.#hash.value };
    return persist(this.#patience(signal), async () => {
      let u = await this.api.merge(id, json ? { ...call, json } : call);
      this.#note(u);
      if (!ended(u)) u = await follow(this.api, id, call, (now) => this.#note(now));
      if (u.state === "done") return u;
      throw u.state === "cancelled" ? new GateError("cancelled") : GateError.of(u.error ?? {});
    }, underWay);
  }

  /** Answers to chunks overtake each other, and leave out what the first answer said. */
  #note(u: UploadInfo): void {
    this.info = { ...this.info, ...u };
    this.tally.merged = Math.max(this.tally.merged, u.merged_bytes);
    this.watcher.progress();
  }

  #flew(body: object, sent: number): void {
    this.tally.fly(body, sent);
    this.watcher.progress();
  }
}
