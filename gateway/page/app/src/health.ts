import type { Place } from "./place.ts";
import { Store } from "./store.ts";

/** Trouble is a host that does not work just now. */
export interface Trouble {
  host: string;
  reason: string;
  /** Whether a person has to mend something on the host or in hosts.yaml. */
  refused: boolean;
  asked: Date;
}

/** How often a host in trouble is asked whether it is back. */
const pause = 10_000;

/** Health says what is wrong with the chosen host, until nothing is. */
export class Health extends Store {
  trouble: Trouble | undefined;
  private timer = 0;

  constructor(private place: Place, private mayAsk: () => boolean) {
    super();
    place.watch(() => this.look());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.trouble) void this.check();
    });
  }

  /** report hears of a host's trouble from whoever met it. */
  report(host: string, reason: string, refused: boolean): void {
    this.trouble = { host, reason, refused, asked: new Date() };
    this.changed();
    this.arm();
  }

  /** well hears that a host has done something. */
  well(host: string): void {
    if (this.trouble?.host === host) this.clear();
  }

  /** check asks the host whether it is back. */
  async check(): Promise<void> {
    clearTimeout(this.timer);
    const host = this.trouble?.host;
    if (!host) return;
    if (this.place.host?.id !== host || !this.mayAsk()) return this.arm();
    const now = await this.place.refresh();
    if (this.trouble?.host !== host) return;
    if (now?.state === "up") return this.clear();
    this.trouble = { ...this.trouble, asked: new Date(), reason: now?.reason || this.trouble.reason };
    this.changed();
    this.arm();
  }

  /** look takes what the place knows of its host. */
  private look(): void {
    const h = this.place.host;
    if (this.trouble && h && this.trouble.host !== h.id) this.clear();
    if (!this.trouble && h?.state === "down") this.report(h.id, h.reason ?? "", false);
  }

  private arm(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (document.hidden ? this.arm() : void this.check()), pause);
  }

  private clear(): void {
    clearTimeout(this.timer);
    this.trouble = undefined;
    this.changed();
  }
}
