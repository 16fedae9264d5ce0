import { contentDigest } from "./digest.ts";

/** The digest of a whole file, which is read while it is sent, and waits while that is paused. */
export class WholeDigest {
  /** The digest, once it is known. */
  value?: string;
  #reading?: Promise<void>;
  #signal!: AbortSignal;
  #ended = false;
  #go?: () => void;

  constructor(readonly file: Blob, readonly hashed: (at: number) => void) {}

  /** Starts to read, or goes on. Resolves once the digest is known; rejects when the signal aborts, until the next call. */
  read(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#go?.();
    const reading = this.#reading ??= contentDigest(this.file, async (at) => {
      this.hashed(at);
      while (this.#signal.aborted && !this.#ended) await new Promise<void>((go) => { this.#go = go; });
      return !this.#ended;
    }).then((digest) => { this.value = digest; });
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      reading.then(resolve, (cause) => {
        this.#reading = undefined; // the next call reads anew
        reject(cause);
      });
    });
  }

  /** Ends the reading for good. */
  end(): void {
    this.#ended = true;
    this.#go?.();
  }
}
