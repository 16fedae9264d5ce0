import { type Gate, unanswered } from "./gate.ts";
import type { Session } from "./session.ts";
import { Store } from "./store.ts";
import type { Upload } from "./wire.ts";

/** Between two looks at the list; less while a merge is followed. */
const pause = 5000;

/** A merge that has not moved for so long has stopped. */
const patience = 180_000;
/** How many merges are followed at once: with HTTP/1.1 a browser has six connections to a server, which uploads want. */
const followedAtOnce = 2;

/** Uploads is the gateway's list, for administrators everybody's, looked at again and again while the page is seen. */
export class Uploads extends Store {
  all: Upload[] | undefined;
  /** Whether the last look got no answer. */
  away = false;
  /** The uploads that the element in this page shows already. */
  shown: () => Set<string> = () => new Set();
  /** When an upload's merge was last seen to move on. */
  private moved = new Map<string, { merged: number; state: string; at: number }>();
  private followed = new Map<string, AbortController>();
  private timer = 0;
  private asked = 0;
  private turn = 0;
  private user: string | undefined;
  /** The uploads that were asked for by themselves. */
  private confirmed = new Set<string>();

  constructor(private gate: Gate, private session: Session) {
    super();
    session.watch(() => {
      const user = session.caller?.user;
      if (user !== this.user) {
        this.all = undefined; // another's are nobody else's business
        this.user = user;
        this.changed();
      }
      if (session.standing === "in") void this.look();
      else if (session.standing !== "away") this.rest();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.look();
    });
  }

  get unfinished(): Upload[] {
    const shown = this.shown();
    return (this.all ?? []).filter((u) => !ended(u) && !shown.has(u.id));
  }

  get finished(): Upload[] {
    const shown = this.shown();
    const places = new Set<string>();
    // What was replaced since is not there any more; the newest comes first.
    return (this.all ?? []).filter((u) => {
      const place = `${u.host}\0${u.path}`;
      if (u.state !== "done" || places.has(place)) return false;
      places.add(place);
      return !shown.has(u.id);
    });
  }

  /** touch hears that the element shows others now. */
  touch(): void {
    this.changed();
  }

  /** canMerge tells whether asking for the merge would move u on. */
  canMerge(u: Upload): boolean {
    if (u.size === null || u.received_bytes < u.size) return false;
    return u.state === "receiving" || u.state === "failed" || this.stands(u);
  }

  /** stands tells whether the merge of u has not moved for minutes. Verifying and publishing do not show that they move. */
  stands(u: Upload): boolean {
    const m = this.moved.get(u.id);
    return u.state === "merging" && m !== undefined && !this.followed.has(u.id) && Date.now() - m.at > patience;
  }

  /** soon looks once for all who ask within a second. */
  soon(): void {
    this.asked ||= setTimeout(() => {
      this.asked = 0;
      void this.look();
    }, 1000);
  }

  async look(): Promise<void> {
    clearTimeout(this.timer);
    if (!this.session.may("read") || this.session.standing !== "in") return;
    const turn = ++this.turn;
    try {
      const all = await (this.session.caller?.admin ? this.gate.everyones() : this.gate.uploads());
      if (turn !== this.turn) return;
      if (this.away) this.confirmed.clear();
      this.all = all;
      this.away = false;
      this.forget(all);
      this.note(all);
      void this.confirm();
    } catch (e) {
      this.session.refused(e);
      this.away = unanswered(e);
    }
    this.changed();
    this.arm();
  }

  /**
   * confirm asks for each unfinished upload of one's own once, but for those that the element sends.
   * A gateway that died may have noted less of it than is safe on the host; asked for the one, it
   * looks there.
   */
  private async confirm(): Promise<void> {
    const shown = this.shown();
    const asked = (this.all ?? []).filter((u) => !this.confirmed.has(u.id));
    for (const u of asked) this.confirmed.add(u.id);
    for (const u of asked) {
      if (ended(u) || shown.has(u.id) || u.user !== this.session.caller?.user) continue;
      try {
        this.put(await this.gate.upload(u.id));
      } catch {
        // The list is looked at again.
      }
    }
  }

  /** merge asks for the merge and follows it. */
  async merge(id: string): Promise<void> {
    this.put(await this.gate.merge(id));
    void this.follow(id);
  }

  async end(u: Upload, others: boolean): Promise<void> {
    await (others ? this.gate.takeover(u.id) : this.gate.cancel(u.id));
    this.followed.get(u.id)?.abort();
    this.all = this.all?.filter((x) => x.id !== u.id);
    this.changed();
    void this.look();
  }

  private async follow(id: string): Promise<void> {
    // The others move on with every look at the list.
    if (this.followed.has(id) || this.followed.size >= followedAtOnce) return;
    const ending = new AbortController();
    this.followed.set(id, ending);
    try {
      await this.gate.follow(id, (u) => this.put(u), ending.signal);
    } catch {
      // The list is looked at anyway.
    }
    this.followed.delete(id);
    void this.look();
  }

  private put(u: Upload): void {
    this.all = this.all?.map((x) => (x.id === u.id ? { ...x, ...u } : x));
    this.note([u]);
    this.changed();
  }

  /** forget drops what was kept of uploads that are not listed any more. */
  private forget(listed: Upload[]): void {
    const ids = new Set(listed.map((u) => u.id));
    for (const id of this.moved.keys()) if (!ids.has(id)) this.moved.delete(id);
    for (const id of this.confirmed) if (!ids.has(id)) this.confirmed.delete(id);
  }

  private note(uploads: Upload[]): void {
    for (const u of uploads) {
      const m = this.moved.get(u.id);
      if (!m || m.merged !== u.merged_bytes || m.state !== u.state) {
        this.moved.set(u.id, { merged: u.merged_bytes, state: u.state, at: Date.now() });
      }
    }
  }

  private arm(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (document.hidden ? undefined : void this.look()), pause);
  }

  private rest(): void {
    clearTimeout(this.timer);
    this.turn++;
    for (const f of this.followed.values()) f.abort();
  }
}

export const ended = (u: Upload) => u.state === "done" || u.state === "cancelled";
