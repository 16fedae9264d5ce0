import { GateError } from "sftpgate";
import type { Gate } from "./gate.ts";
import { crumbs, isBelow, rootOf } from "./paths.ts";
import type { Session } from "./session.ts";
import { Store } from "./store.ts";
import type { Entry } from "./wire.ts";

/** Listing is what is in a directory, or why that is not known. */
export interface Listing {
  entries?: Entry[];
  problem?: unknown;
  reading: boolean;
  at: number;
}

/** For how long a listing is good enough to complete names from. */
const fresh = 30_000;
/** How many directories are kept. */
const kept = 50;

const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Listings are the directories that were looked at. */
export class Listings extends Store {
  private known = new Map<string, Listing>();
  private reads = new Map<string, Promise<void>>();
  private timer = 0;

  constructor(private gate: Gate, private session: Session) {
    super();
  }

  at(host: string, dir: string): Listing | undefined {
    return this.known.get(key(host, dir));
  }

  /** missing tells whether it is known that there is no such directory. */
  missing(host: string, dir: string, roots: readonly string[]): boolean {
    const steps = crumbs(dir, rootOf(dir, roots) ?? "/");
    return steps.some((step, i) => {
      const l = this.at(host, step.dir);
      const next = steps[i + 1];
      if (next && l?.entries) return !l.entries.some((e) => e.name === next.name && e.type !== "file");
      return l?.problem instanceof GateError && l.problem.code === "no-such-directory";
    });
  }

  /**
   * walk reads the directories from the root down to dir, except those that were read just now,
   * and stops at what is not there: so no host is asked for every half a name that is typed.
   */
  async walk(host: string, dir: string, roots: readonly string[]): Promise<void> {
    for (const step of crumbs(dir, rootOf(dir, roots) ?? "/")) {
      const l = this.at(host, step.dir);
      if (this.missing(host, step.dir, roots) && l?.at !== 0) return;
      if (!l || l.reading || Date.now() - l.at > fresh) await this.read(host, step.dir);
      if (!this.at(host, step.dir)?.entries) return;
    }
  }

  /** read reads a directory. Who wants it while it is being read waits for that. */
  async read(host: string, dir: string): Promise<void> {
    if (!this.session.may("browse")) return;
    const k = key(host, dir);
    const reading = this.reads.get(k) ?? this.ask(k, host, dir).finally(() => this.reads.delete(k));
    this.reads.set(k, reading);
    await reading;
  }

  private async ask(k: string, host: string, dir: string): Promise<void> {
    const before = this.known.get(k);
    this.set(k, { ...(before?.entries && { entries: before.entries }), reading: true, at: Date.now() });
    try {
      const entries = await this.gate.entries(host, dir);
      const isDir = (e: Entry) => (e.type === "dir" ? 0 : 1);
      entries.sort((a, b) => isDir(a) - isDir(b) || order.compare(a.name, b.name));
      this.set(k, { entries, reading: false, at: Date.now() });
    } catch (problem) {
      this.session.refused(problem);
      this.set(k, { problem, reading: false, at: Date.now() });
    }
  }

  /**
   * stale hears that something came into a directory, which may have been made for it. If anybody
   * looked there, it is looked at again a little later: once, however many files come.
   */
  stale(host: string, dir: string, roots: readonly string[]): void {
    let seen = false;
    for (const [k, l] of this.known) {
      const [h, d] = k.split("\0") as [string, string];
      if (h !== host || !isBelow(dir, d)) continue;
      l.at = 0;
      seen = true;
    }
    if (!seen) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.walk(host, dir, roots), 1000);
  }

  private set(k: string, l: Listing): void {
    this.known.delete(k);
    this.known.set(k, l);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= kept) break;
      this.known.delete(oldest);
    }
    this.changed();
  }
}

const key = (host: string, dir: string) => `${host}\0${dir}`;
