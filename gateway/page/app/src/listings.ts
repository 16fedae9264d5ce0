import { GateError } from "sftpgate";
import type { Gate } from "./gate.ts";
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
const fresh = 15_000;
/** How many directories are kept. */
const kept = 50;

const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Listings are the directories that were looked at. */
export class Listings extends Store {
  private known = new Map<string, Listing>();

  constructor(private gate: Gate, private session: Session) {
    super();
  }

  at(host: string, dir: string): Listing | undefined {
    return this.known.get(key(host, dir));
  }

  /** missing tells whether the host said that there is no such directory. */
  missing(host: string, dir: string): boolean {
    const problem = this.at(host, dir)?.problem;
    return problem instanceof GateError && problem.code === "no-such-directory";
  }

  /** want reads a directory, unless it was read just now. */
  async want(host: string, dir: string): Promise<void> {
    const l = this.at(host, dir);
    if (!l || (!l.reading && Date.now() - l.at > fresh)) await this.read(host, dir);
  }

  async read(host: string, dir: string): Promise<void> {
    if (!this.session.may("browse")) return;
    const k = key(host, dir);
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

  /** stale hears that something came into a directory. */
  stale(host: string, dir: string): void {
    const l = this.at(host, dir);
    if (l) l.at = 0;
    this.changed();
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
