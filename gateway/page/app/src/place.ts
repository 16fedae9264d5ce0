import { GateError } from "sftpgate";
import { type Gate, unanswered } from "./gate.ts";
import { faultOf, tidy } from "./paths.ts";
import { recall, remember } from "./memory.ts";
import type { Session } from "./session.ts";
import { Store } from "./store.ts";
import type { Host } from "./wire.ts";

/** Place is where the files go: a host, and a directory on it. */
export class Place extends Store {
  hosts: Host[] | undefined;
  host: Host | undefined;
  /** The directory, or "" while what is typed is none. */
  dir = "";
  /** Whether the host is being asked how it is. */
  asking = false;
  /** Why there is no list of hosts. */
  problem: unknown;
  private user: string | undefined;
  private timer = 0;

  constructor(private gate: Gate, private session: Session) {
    super();
    session.watch(() => {
      // Another ticket may be for another place.
      // A renewed one for the same place changes nothing.
      const user = JSON.stringify({ ...session.caller, expires_at: undefined });
      if (session.standing !== "in" || this.user === user) return;
      this.user = user;
      void this.load();
    });
  }

  /** A ticket for one directory of one host leaves nothing to choose. */
  get fixed(): boolean {
    const c = this.session.caller;
    return c?.hosts?.length === 1 && c.paths?.length === 1;
  }

  get roots(): string[] {
    return this.host?.roots ?? [];
  }

  async load(): Promise<void> {
    clearTimeout(this.timer);
    try {
      this.hosts = this.session.may("read") ? await this.gate.hosts() : this.named();
      this.problem = undefined;
    } catch (e) {
      this.session.refused(e);
      this.problem = e;
      if (unanswered(e) || (e instanceof GateError && e.passing)) {
        const pause = e instanceof GateError ? Math.max(3, e.retryAfter) : 3;
        this.timer = setTimeout(() => void this.load(), pause * 1000);
      }
      return this.changed();
    }
    const id = this.host?.id ?? (this.hosts.length === 1 ? this.hosts[0]!.id : recall().host);
    const host = this.hosts.find((h) => h.id === id);
    // Where somebody has chosen to send files they go on going, as long as that is allowed.
    if (host && this.host && this.dir && this.allowed(host)) this.host = host;
    else {
      this.host = undefined;
      if (host) this.pick(host.id);
    }
    this.changed();
  }

  /** allowed tells whether the directory chosen can stay the one on this host. */
  private allowed(host: Host): boolean {
    const paths = this.session.caller?.paths;
    return !faultOf(this.dir, host.roots) && (!paths || !faultOf(this.dir, paths)) && (!this.fixed || this.dir === tidy(host.roots[0] ?? ""));
  }

  /** pick chooses a host, and asks it how it is. */
  pick(id: string): void {
    const host = this.hosts?.find((h) => h.id === id);
    if (!host) return;
    this.host = host;
    const last = recall();
    const before = last.host === id && !this.fixed ? tidy(last.dir ?? "") : "";
    this.dir = before && !faultOf(before, host.roots) ? before : tidy(host.roots[0] ?? "");
    this.keep();
    this.changed();
    void this.refresh();
  }

  /** go chooses a directory; one that cannot be is none. */
  go(dir: string): void {
    this.dir = faultOf(dir, this.roots) ? "" : dir;
    if (this.dir) this.keep();
    this.changed();
  }

  /** refresh asks the host anew. */
  async refresh(): Promise<Host | undefined> {
    const id = this.host?.id;
    if (!id || !this.session.may("read")) return undefined;
    this.asking = true;
    this.changed();
    try {
      const now = await this.gate.host(id);
      this.hosts = this.hosts?.map((h) => (h.id === id ? now : h));
      if (this.host?.id === id) this.host = now;
      return now;
    } catch (e) {
      this.session.refused(e);
      return undefined;
    } finally {
      this.asking = false;
      this.changed();
    }
  }

  label(id: string): string {
    return this.hosts?.find((h) => h.id === id)?.label || id;
  }

  /** named are the hosts of a ticket that does not allow to ask for them. */
  private named(): Host[] {
    const c = this.session.caller;
    return (c?.hosts ?? []).map((id) => ({
      id, label: "", tags: [], roots: c?.paths ?? [], state: "unknown", durability: "", free_bytes: null, latency_ms: null,
    }));
  }

  private keep(): void {
    if (this.host && !this.fixed) remember({ host: this.host.id, dir: this.dir });
  }
}
