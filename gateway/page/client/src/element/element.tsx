import { Api, type Ticket } from "../api.ts";
import { Announcer, type News } from "./announcer.ts";
import { adopt, attributes, reflect } from "./attributes.ts";
import { ask, conflictDialog } from "./conflict.tsx";
import { copy } from "./copy.ts";
import { h, patch } from "./dom.ts";
import { dropZone } from "./drop.tsx";
import type { Rejection, SftpgateUploadEvents } from "./events.ts";
import { formatBytes, parseBytes } from "./format.ts";
import { Item } from "./item.ts";
import { Overall, type ActionForAll } from "./overall.tsx";
import { Queue, type Choice, type Overwrite, type Owner } from "./queue.ts";
import type { Action } from "./row.tsx";
import { Rows } from "./rows.ts";
import css from "./style.css";
import { textsFor, type Texts } from "./texts.ts";
import { fetchTicket } from "./ticket.ts";
import { isJunk, pickedIn, type Picked } from "./walk.ts";

/** Where added files go, instead of where the attributes say. */
export interface Where {
  host?: string;
  dir?: string;
  /** The absolute path of the one file. */
  path?: string;
}

/** The page is shown anew, and told of progress, at most once in so many milliseconds. */
const pace = 250;

/** Events that are told to a screen reader as well. */
const news: Record<string, News> = { "upload-start": "sending", "upload-success": "done", "upload-error": "failed" };

let sheet: CSSStyleSheet | undefined;

/**
 * `<sftpgate-upload>`: files are dropped on it, or chosen, and it brings them to a host.
 * README.md lists its attributes, events, parts and custom properties.
 */
export class SftpgateUpload extends HTMLElement {
  static readonly observedAttributes = [...attributes, "lang", "disabled", "no-cancel"];

  /** The gateway's base URL; by default the directory above this module's own. */
  declare endpoint: string;
  /** The id of the host. */
  declare host: string;
  /** Ids of hosts to choose from, separated by commas. */
  declare hosts: string;
  /** The directory on the host. */
  declare dir: string;
  /** Answers a GET, with cookies, with a fresh ticket: as text, or as `{"ticket": …}`. */
  declare ticketUrl: string;
  /** What becomes of files that stand there: ask (the default), fail, replace or skip. */
  declare overwrite: Overwrite | "";
  /** Bytes in a chunk, as 8MiB. */
  declare chunkSize: string;
  /** Files at once, 3 by default. */
  declare concurrency: string;
  /** Larger files are rejected, as 5GiB. */
  declare maxSize: string;
  /** What the gateway checks: each of the chunks (the default), or besides the whole file. */
  declare digest: "chunks" | "whole" | "";
  /** A ticket, or what fetches a fresh one; instead of `ticket-url`. */
  ticket?: Ticket;

  #root = this.attachShadow({ mode: "open" });
  #api?: Api;
  #owner: Owner = {
    options: () => ({
      api: this.#api ??= new Api({ endpoint: this.endpoint, ticket: this.#freshTicket }),
      overwrite: this.overwrite || "ask", chunkSize: parseBytes(this.chunkSize), filesAtOnce: Number(this.concurrency) || 3,
      digest: this.digest || undefined, noCancel: this.noCancel,
    }),
    fire: (name, item, more = {}) => {
      if (news[name]) this.#announcer.note(news[name], item);
      return this.#dispatch(name, Object.assign(more, { item, file: item.file }));
    },
    tell: (item) => {
      const { told: [sent, merged], sentBytes, mergedBytes, size } = item;
      item.told = [sentBytes, mergedBytes];
      if (sentBytes !== sent) this.#owner.fire("upload-progress", item, { sentBytes, size });
      if (mergedBytes !== merged) this.#owner.fire("merge-progress", item, { mergedBytes, size });
    },
    touch: (item) => {
      if (item) this.#moved.add(item);
      this.#timer ??= window.setTimeout(this.#tick, pace);
    },
  };
  #queue = new Queue(this.#owner);
  #overall = new Overall();
  #announcer = new Announcer();
  #rows = new Rows(() => this.#update());
  #moved = new Set<Item>();
  #notes: string[] = [];
  #spoken = "";
  #chosen = "";
  #asked?: Item;
  #count = 0;
  #index = 0; // of the row whose button was pressed last
  #timer?: number;
  #stale = false;

  /** The files of the queue. */
  get items(): readonly Item[] { return this.#queue.items; }

  get disabled(): boolean { return this.hasAttribute("disabled"); }
  set disabled(off: boolean) { this.toggleAttribute("disabled", off); }

  /** Whether nothing can be given up, as the ticket does not allow it; a row is then only taken away. */
  get noCancel(): boolean { return this.hasAttribute("no-cancel"); }
  set noCancel(not: boolean) { this.toggleAttribute("no-cancel", not); }

  /** Adds files, and the files in dropped directories. Resolves with the items when all are found. */
  async add(files: File | FileList | File[] | DataTransfer, where: Where = {}): Promise<Item[]> {
    const added: Item[] = [];
    const lost: string[] = [];
    let junk = 0;
    for await (const picked of pickedIn(files, (name) => lost.push(name))) {
      const places = new Set(this.items.filter((i) => i.open).map((i) => `${i.host}:${i.path}`));
      for (const p of picked) {
        if (isJunk(p.name) && !where.path) {
          junk++;
          this.#reject(p.file, "junk");
        } else {
          const item = this.#take(p, where, places);
          if (item) added.push(item);
        }
      }
      this.#queue.pump();
    }
    if (lost.length) this.#notes.push(this.#texts.notRead(lost.join(", ")));
    if (junk) this.#notes.push(this.#texts.junk(junk));
    this.#update();
    return added;
  }

  /** Pauses one file, or all. */
  pause(item?: Item): void { this.#each("pause", item); }
  /** Goes on with one file, or all. */
  resume(item?: Item): void { this.#each("resume", item); }
  /** Tries one file again, or all that failed or were left out. */
  retry(item?: Item): void { this.#each("retry", item); }
  /** Gives up one file, or all; nothing of them stays on the host. */
  cancel(item?: Item): void { this.#each("cancel", item); }
  /** Takes one row away, or all whose files are through. */
  clear(item?: Item): void { this.#each("remove", item); }

  /** @internal */
  connectedCallback(): void {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    this.#root.adoptedStyleSheets = [sheet];
    adopt(this);
    addEventListener("beforeunload", this.#warn);
    this.#update();
  }

  /** @internal */
  disconnectedCallback(): void { removeEventListener("beforeunload", this.#warn); }

  /** @internal */
  attributeChangedCallback(name: string): void {
    if (name === "endpoint") this.#api = undefined;
    this.#update();
  }

  /** The ticket as it is now; "" where none is needed. */
  #freshTicket = async (): Promise<string> =>
    (typeof this.ticket === "function" ? this.ticket() : this.ticket) ?? (this.ticketUrl ? fetchTicket(this.ticketUrl) : "");

  /** Shows what has changed, once this thread is through with its changes. */
  #update(): void {
    if (this.#stale) return;
    this.#stale = true;
    queueMicrotask(() => {
      this.#stale = false;
      const focused = this.#root.activeElement as HTMLElement | null;
      this.#render();
      if (focused && !focused.offsetParent) this.#refocus(focused);
    });
  }

  #render(): void {
    const t = this.#texts;
    const { noCancel } = this;
    const { items, conflicts } = this.#queue;
    const asked = conflicts[0];
    patch(this.#root, [
      <div class="base" part="base" lang={t.tag}>
        {dropZone({
          t, disabled: this.disabled, hosts: split(this.hosts), host: this.#target, dir: this.dir,
          choose: (host) => { this.#chosen = host; this.#update(); },
          add: (files) => void this.add(files),
        })}
        {this.#notes.length > 0 && (
          <div class="notes" part="notice" role="status">
            <div>{this.#notes.map((n) => <p><bdi>{n}</bdi></p>)}</div>
            <button type="button" part="button" onclick={() => { this.#notes = []; this.#update(); }}>{t.dismiss}</button>
          </div>
        )}
        {items.length > 0 && this.#overall.show(items, t, noCancel, (a) => this.#each(a))}
        {items.length > 0 && <div class="list" part="list" onscroll={this.#rows.scrolled}><ul aria-label={t.queue} /></div>}
        <div class="unseen" role="status">{this.#spoken}</div>
        {conflictDialog(asked, t, noCancel, (choice, forAll) => this.#decide(choice, forAll))}
      </div>,
    ]);
    this.#rows.show(this.#root.querySelector(".list"), items, {
      t, noCancel, act: this.#act, copy: (text) => void copy(text).then((done) => { this.#spoken = done ? t.copied : t.notCopied; this.#update(); }),
    });
    if (asked !== this.#asked) ask(this.#root.querySelector("dialog")!, asked);
    this.#asked = asked;
  }

  /** Tells what has moved; a browser that does not show the page need not show it anew. */
  #tick = (): void => {
    this.#timer = undefined;
    for (const item of this.#moved) this.#owner.tell(item);
    this.#moved.clear();
    this.#spoken = this.#announcer.take(this.#texts) || this.#spoken;
    requestAnimationFrame(() => this.#update());
  };

  /** Brings the focus to what took the place of something that had it. */
  #refocus(lost: HTMLElement): void {
    const next = this.items[Math.min(this.#index, this.items.length - 1)];
    const actions = lost.isConnected ? lost.parentElement : next && this.#rows.of(next)?.querySelector(".actions");
    const button = actions?.lastElementChild ?? this.#root.querySelector("button");
    (button as HTMLElement).focus();
  }

  get #texts(): Texts {
    const near = this.closest<HTMLElement>("[lang]")?.lang ?? (this.getRootNode() as Partial<ShadowRoot>).host?.closest<HTMLElement>("[lang]")?.lang;
    return textsFor(this.lang || near || navigator.language);
  }

  /** The host that files go to. */
  get #target(): string {
    const ids = split(this.hosts);
    return ids.includes(this.#chosen) ? this.#chosen : this.host || ids[0] || "";
  }

  #take({ file, name }: Picked, where: Where, places: Set<string>): Item | undefined {
    const t = this.#texts;
    const host = where.host || this.#target;
    const dir = where.dir || this.dir;
    if (!host || !(where.path || dir)) return this.#reject(file, "no-target", t.noTarget);
    const path = where.path ?? `${dir.replace(/\/+$/, "")}/${name}`;
    const most = parseBytes(this.maxSize);
    if (most !== undefined && file.size > most) return this.#reject(file, "too-large", t.tooLarge(name, formatBytes(most)));
    const place = `${host}:${path}`;
    if (places.has(place)) return this.#reject(file, "duplicate", t.duplicate(name));
    places.add(place);
    const item = new Item(++this.#count, file, name, host, path);
    this.#queue.items.push(item);
    return item;
  }

  #reject(file: File, reason: Rejection, note?: string): undefined {
    if (this.#dispatch("file-reject", { file, reason }) && note && !this.#notes.includes(note)) this.#notes.push(note);
  }

  #act = (action: Action, item: Item): void => {
    this.#index = this.items.indexOf(item);
    if (action === "restart") this.#queue.retry(item, true);
    else this.#queue[action](item);
    this.#update();
  };

  #each(action: ActionForAll, item?: Item): void {
    if (item) this.#queue[action](item);
    else if (action === "remove") this.#queue.items = this.#queue.items.filter((i) => i.open);
    else for (const i of this.#queue.items) this.#queue[action](i);
    this.#update();
  }

  #decide(choice: Choice, forAll: boolean): void {
    const item = this.#queue.conflicts[0];
    if (item) this.#queue.decide(item, choice, forAll);
    this.#update();
  }

  #dispatch(name: string, detail: Record<string, unknown>): boolean {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
  }

  #warn = (e: Event): void => {
    if (this.#queue.deleting || this.items.some((i) => i.open && i.state !== "paused")) e.preventDefault();
  };
}

export interface SftpgateUpload {
  addEventListener<K extends keyof SftpgateUploadEvents>(type: K, listener: (event: SftpgateUploadEvents[K]) => unknown, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
}

reflect(SftpgateUpload);

const split = (list: string): string[] => list.split(",").map((one) => one.trim()).filter(Boolean);
