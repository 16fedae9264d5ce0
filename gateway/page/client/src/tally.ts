import { Meter } from "./meter.ts";

/** Counts the bytes of one upload. */
export class Tally {
  /** Bytes that are safe on the host. */
  safe = 0;
  /** Bytes that are in the file there. */
  merged = 0;
  /** Bytes that were read for the digest of the whole file. */
  hashed = 0;
  readonly meter = new Meter();
  #flying = new Map<object, number>();

  constructor(readonly size: number) {}

  /** Bytes that are safe, or on their way. */
  get sent(): number {
    let n = this.safe;
    for (const bytes of this.#flying.values()) n += bytes;
    return Math.min(n, this.size);
  }

  /** Notes how much of a body has left. */
  fly(body: object, bytes: number): void { this.#flying.set(body, bytes); }

  /** How much of a body has left. */
  flown = (body: object): number => this.#flying.get(body) ?? 0;

  /** Forgets a body, which is safe or lost. */
  land(body: object): void { this.#flying.delete(body); }
}
