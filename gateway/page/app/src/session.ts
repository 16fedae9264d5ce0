import { GateError } from "sftpgate";
import type { Gate } from "./gate.ts";
import { Store } from "./store.ts";
import type { Ticket } from "./ticket.ts";
import type { Caller, Operation } from "./wire.ts";

/** A ticket is looked at no more often than this, in milliseconds. */
const shortest = 5000;

export type Auth = "none" | "header" | "jwt";

/**
 * The states of a session: "asking" who this is; "in"; a ticket is "wanted",
 * "expired" or "refused"; the gateway is "away".
 */
export type Standing = "asking" | "in" | "wanted" | "expired" | "refused" | "away";

/** Session is who the caller is here, and what the page may offer. */
export class Session extends Store {
  standing: Standing = "asking";
  caller: Caller | undefined;
  /** Why the gateway lets nobody in. */
  problem: GateError | undefined;
  private timer = 0;
  private wait = 1000;

  constructor(readonly auth: Auth, private gate: Gate, private ticket: Ticket) {
    super();
    ticket.watch(() => void this.ask());
  }

  may(o: Operation): boolean {
    return this.caller?.operations?.includes(o) ?? false;
  }

  /** ask asks the gateway who this is, and again while it is away. */
  async ask(): Promise<void> {
    clearTimeout(this.timer);
    if (this.auth === "jwt" && !this.ticket.text) {
      if (this.standing !== "wanted") this.ticket.ask(); // the first time at once
      this.ticket.want();
      return this.become("wanted");
    }
    const ticket = this.ticket.text;
    try {
      const caller = await this.gate.me();
      if (ticket !== this.ticket.text) return;
      this.caller = caller;
      this.problem = undefined;
      this.wait = 1000;
      this.ticket.good();
      this.become("in");
      this.watchClock();
    } catch (e) {
      if (ticket !== this.ticket.text) return;
      if (e instanceof GateError && (e.status === 401 || e.status === 403)) {
        this.refused(e);
      } else {
        this.problem = e instanceof GateError && e.status ? e : undefined;
        this.become("away");
        this.timer = setTimeout(() => void this.ask(), Math.max(this.wait, e instanceof GateError ? e.retryAfter * 1000 : 0));
        this.wait = Math.min(this.wait * 2, 15_000);
      }
    }
  }

  /** refused hears that a call was refused for who asked; other refusals change nothing. */
  refused(p: unknown): void {
    if (!(p instanceof GateError)) return;
    if (p.status !== 401 && (p.status !== 403 || (this.standing !== "asking" && this.standing !== "away"))) return;
    clearTimeout(this.timer);
    this.problem = p;
    if (this.auth !== "jwt") return this.become("refused");
    // The gateway reads the end of a ticket off its clock, which is the one that counts.
    const over = this.caller?.expires_at !== undefined || expiry(this.ticket.text) * 1000 < Date.now();
    this.become(over && p.status === 401 ? "expired" : "refused");
    this.ticket.refused();
    this.ticket.want();
  }

  private watchClock(): void {
    if (!this.caller?.expires_at) return;
    const left = Date.parse(this.caller.expires_at) - Date.now();
    const longest = 2 ** 31 - 1;
    // A panel is asked a little before the end; whoever came by a link is told at the end.
    const ahead = this.ticket.embedded ? Math.min(30_000, left / 2) : 0;
    // A clock that is fast here would have this strike all the time.
    this.timer = setTimeout(() => void this.clockStrikes(), Math.min(Math.max(shortest, left - ahead), longest));
  }

  /** The gateway's clock counts, and not this one: whether the ticket is over the gateway says. */
  private async clockStrikes(): Promise<void> {
    if (!(await this.ticket.renewed())) await this.ask(); // a new ticket has been asked about already
  }

  private become(s: Standing): void {
    this.standing = s;
    this.changed();
  }
}

/** expiry reads the end of a ticket off it, in seconds since 1970; Infinity where it cannot be read. */
export function expiry(ticket: string): number {
  try {
    const body = (ticket.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const exp: unknown = (JSON.parse(atob(body)) as { exp?: unknown }).exp;
    return typeof exp === "number" ? exp : Infinity;
  } catch {
    return Infinity;
  }
}
