import type { Plan, ByteRange } from "./chunks.ts";

/**
 * Sends all that a plan holds, several pieces at once. The first error ends them all, and is what
 * this fails with once none is under way any more.
 */
export async function sendAll(plan: Plan, lanes: number, signal: AbortSignal, send: (piece: ByteRange, signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const lane = async () => {
    try {
      for (let piece; (piece = plan.next());) await send(piece, both);
    } catch (e) {
      stop.abort(e); // only the first one counts
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  signal.throwIfAborted();
  stop.signal.throwIfAborted();
}
