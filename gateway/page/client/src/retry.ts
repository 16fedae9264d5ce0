import { GateError } from "./errors.ts";

const base = 500;
const cap = 30_000;

/**
 * How many milliseconds to wait before the next try, `attempt` counting from 0. Full jitter: any
 * time up to a bound that doubles, so that clients which failed together do not come back
 * together. What the gateway asked for (Retry-After, in seconds) comes on top.
 */
export function backoff(attempt: number, retryAfter = 0, random: () => number = Math.random): number {
  const bound = Math.min(cap, base * 2 ** attempt);
  return retryAfter * 1000 + Math.round(random() * (retryAfter ? Math.min(bound, 2000) : bound));
}

/** Whether the browser knows that it has no network. */
const offline = (): boolean => globalThis.navigator?.onLine === false;

/** Resolves after so many milliseconds, or sooner when something wakes it; rejects when the signal aborts. */
export function sleep(ms: number, signal: AbortSignal, wake?: (done: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const end = (then: () => void) => () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      forget?.();
      then();
    };
    const done = end(resolve);
    const abort = end(() => reject(signal.reason));
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", abort);
    const forget = wake?.(done);
  });
}

/**
 * Waits before a request is tried again. While the browser has no network it waits for that, and
 * still tries now and then: what a browser believes about its network can be wrong.
 */
export function rest(error: GateError, ms: number, signal: AbortSignal): Promise<void> {
  if (error.code !== "network") return sleep(ms, signal);
  return sleep(offline() ? Math.max(ms, cap) : ms, signal, (done) => {
    globalThis.addEventListener?.("online", done);
    return () => globalThis.removeEventListener?.("online", done);
  });
}

/** How long something is tried. */
export interface Patience {
  signal: AbortSignal;
  /** How long to wait altogether while nothing is reached, in milliseconds. */
  giveUpAfter: number;
  /** A number that grows with everything reached. */
  reached(): number;
  /** Told before a wait what it is for, and when it is over. */
  waits(error?: GateError, delay?: number): void;
}

/** Does something until it succeeds, or fails with what waiting does not help against. */
export async function persist<T>(p: Patience, work: () => Promise<T>, again = (e: GateError): boolean => e.passing): Promise<T> {
  for (let attempt = 0, waited = 0, before = p.reached(); ; attempt++) {
    p.signal.throwIfAborted();
    try {
      const result = await work();
      p.waits();
      return result;
    } catch (e) {
      p.signal.throwIfAborted();
      if (!(e instanceof GateError) || !again(e)) throw e;
      const now = p.reached();
      if (now !== before) attempt = waited = 0;
      before = now;
      const delay = backoff(attempt, e.retryAfter);
      waited += delay;
      if (waited > p.giveUpAfter) throw e;
      p.waits(e, delay);
      await rest(e, delay, p.signal);
    }
  }
}
