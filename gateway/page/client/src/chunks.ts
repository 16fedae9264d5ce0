/** Bytes from the first up to, but not including, the second. */
export type ByteRange = [from: number, to: number];

/** What of a file of this size is in none of the ranges, which may overlap and come in any order. */
export function missing(received: readonly ByteRange[], size: number): ByteRange[] {
  const gaps: ByteRange[] = [];
  let at = 0;
  for (const [from, to] of [...received].sort((a, b) => a[0] - b[0])) {
    if (from > at) gaps.push([at, Math.min(from, size)]);
    at = Math.max(at, to);
    if (at >= size) return gaps;
  }
  if (at < size) gaps.push([at, size]);
  return gaps;
}

/** How many bytes are in ranges that do not overlap. */
export const total = (ranges: readonly ByteRange[]): number => ranges.reduce((n, [from, to]) => n + to - from, 0);

/** Below this a body is not made smaller. */
export const smallest = 64 << 10;

/** After so many bodies in a row that went well the next may be larger again. */
const growAfter = 4;

/**
 * What is still to be sent, handed out piece by piece in ascending order. A piece never crosses
 * the border of a chunk, so that a whole chunk can be sent as one.
 */
export class Plan {
  #gaps: ByteRange[];
  #limit: number; // bytes in a piece now
  #most: number; // what a piece can never exceed again
  #good = 0;

  constructor(gaps: ByteRange[], readonly chunkSize: number, limit = chunkSize) {
    this.#gaps = gaps.filter(([from, to]) => from < to);
    this.#most = Math.min(limit, chunkSize);
    this.#limit = this.#most;
  }

  /** How large a piece may be at most. */
  get most(): number { return this.#most; }

  /** The next piece, or undefined when all are handed out. */
  next(): ByteRange | undefined {
    const gap = this.#gaps[0];
    if (!gap) return undefined;
    const from = gap[0];
    const border = (Math.floor(from / this.chunkSize) + 1) * this.chunkSize;
    const to = Math.min(gap[1], border, from + this.#limit);
    if (to < gap[1]) gap[0] = to;
    else this.#gaps.shift();
    return [from, to];
  }

  /** Takes back a piece that was not sent. It comes next. */
  giveBack(piece: ByteRange): void {
    const i = this.#gaps.findIndex(([from]) => from >= piece[1]);
    this.#gaps.splice(i < 0 ? this.#gaps.length : i, 0, piece);
  }

  /**
   * Makes pieces smaller after one of this length did not pass; for good when it was refused for
   * its size. False when they are as small as they get.
   */
  shrink(length: number, forGood: boolean): boolean {
    this.#good = 0;
    if (length <= smallest) return false;
    const half = Math.max(smallest, Math.ceil(length / 2));
    this.#limit = Math.min(this.#limit, half);
    if (forGood) this.#most = Math.min(this.#most, half);
    return true;
  }

  /** Notes that a piece passed. */
  passed(): void {
    if (this.#limit < this.#most && ++this.#good >= growAfter) {
      this.#good = 0;
      this.#limit = Math.min(this.#most, this.#limit * 2);
    }
  }
}
