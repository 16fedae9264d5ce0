import { html, nothing, render } from "lit-html";
import type { ApiOptions, Ticket } from "../api.ts";
import { Announcer } from "./announcer.ts";
import { conflictDialog } from "./conflict.ts";
import { copy } from "./copy.ts";
import { formatBytes, parseBytes } from "./format.ts";
import { Item } from "./item.ts";
import { Overall, type ActionForAll } from "./overall.ts";
import { Queue, type Choice, type Overwrite, type Owner } from "./queue.ts";
import type { Action } from "./row.ts";
import css from "./style.css";
import { textsFor, type Texts } from "./texts.ts";
import { Rows } from "./rows.ts";
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

/** Properties that are the attributes of these names. */
const attributes = {
  endpoint: "endpoint", host: "host", hosts: "hosts", dir: "dir", ticketUrl: "ticket-url",
  overwrite: "overwrite", chunkSize: "chunk-size", concurrency: "concurrency", maxSize: "max-size",
};

let sheet: CSSStyleSheet | undefined;

/**
 * `<sftpgate-upload>`: files are dropped on it, or chosen, and it brings them to a host.
 * README.md lists its attributes, events, parts and custom properties.
 */
export class SftpgateUpload extends HTMLElement implements Owner {
  static readonly observedAttributes = [...Object.values(attributes), "lang", "disabled"];

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
  declare overwrite: Overwrite;
  /** Bytes in a chunk, as 8MiB. */
  declare chunkSize: string;
  /** Files at once, 3 by default. */
  declare concurrency: string;
  /** Larger files are rejected, as 5GiB. */
  declare maxSize: string;
  /** A ticket, or what fetches a fresh one; instead of `ticket-url`. */
  ticket?: Ticket;

  #root = this.attachShadow({ mode: "open" });
  #stale = false;
  #queue = new Queue(this);
  #overall = new Overall();
  #announcer = new Announcer();
  #rows = new Rows(() => this.#update());
  #notes: string[] = [];
  #over = false;
  #spoken = "";
  #count = 0;
  #chosen?: string;
  #timer?: ReturnType<typeof setTimeout>;
  #moved = new Map<Item, [sent: number, merged: number]>();
  #refocus?: number;

  /** The files of the queue. */
  get items(): readonly Item[] { return this.#queue.items; }

  get api(): ApiOptions {
    return {
      endpoint: this.endpoint || new URL("..", import.meta.url),
      ticket: this.ticket ?? (this.ticketUrl ? () => fetchTicket(this.ticketUrl!) : undefined),
    };
  }
  get chunkBytes(): number | undefined { return parseBytes(this.chunkSize); }
  get filesAtOnce(): number { return Number(this.concurrency) || 3; }

  /** Adds files, and the files in dropped directories. Resolves with the items when all are found. */
  async add(files: File | FileList | File[] | DataTransfer, where: Where = {}): Promise<Item[]> {
    const added: Item[] = [];
    let junk = 0;
    try {
      for await (const picked of pickedIn(files)) {
        const places = this.#places;
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
    } catch {
      this.#notes.push(this.#texts.notRead);
    }
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

  fire(name: string, item: Item, more: Record<string, unknown> = {}): boolean {
    if (name === "upload-start") this.#announcer.note("start", item);
    if (name === "upload-success") this.#announcer.note("success", item);
    if (name === "upload-error") this.#announcer.note("error", item);
    return this.#dispatch(name, Object.assign(more, { item, file: item.file }));
  }

  touch(item?: Item): void {
    if (item && !this.#moved.has(item)) this.#moved.set(item, [item.sentBytes, item.mergedBytes]);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tellProgress();
      requestAnimationFrame(() => this.#update());
    }, pace);
  }

  get disabled(): boolean { return this.hasAttribute("disabled"); }
  set disabled(off: boolean) { this.toggleAttribute("disabled", off); }

  /** @internal */
  connectedCallback(): void {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    this.#root.adoptedStyleSheets = [sheet];
    for (const name of Object.keys(attributes) as (keyof typeof attributes)[]) {
      // A property that was set before the element was defined hides its accessor.
      const own = Object.getOwnPropertyDescriptor(this, name);
      if (own && delete (this as Partial<typeof this>)[name]) this[name] = own.value;
    }
    addEventListener("beforeunload", this.#warn);
    this.#update();
  }

  /** @internal */
  disconnectedCallback(): void { removeEventListener("beforeunload", this.#warn); }

  /** @internal */
  attributeChangedCallback(): void { this.#update(); }

  /** Shows what has changed, once when this thread is through with its changes. */
  #update(): void {
    if (this.#stale) return;
    this.#stale = true;
    queueMicrotask(() => {
      this.#stale = false;
      render(this.#view(), this.#root);
      this.#updated();
    });
  }

  #view() {
    const t = this.#texts;
    const { items, conflicts } = this.#queue;
    return html`
      <div class="base" part="base" lang=${t.tag}>
        ${this.#dropZone(t)}
        ${this.#notes.length ? html`
          <div class="notes" part="notice" role="status">
            <ul>${this.#notes.map((n) => html`<li><bdi>${n}</bdi></li>`)}</ul>
            <button type="button" part="button" @click=${this.#dismiss}>${t.dismiss}</button>
          </div>` : nothing}
        ${items.length ? [this.#overall.render(items, t, (a) => this.#each(a)), html`
          <div class="list" part="list" @scroll=${this.#rows.scrolled}><ul aria-label=${t.queue}></ul></div>`] : nothing}
        <div class="unseen" role="status">${this.#spoken}</div>
        ${conflictDialog(conflicts[0], t, this.#decide)}
      </div>`;
  }

  #updated(): void {
    const { items, conflicts } = this.#queue;
    const t = this.#texts;
    this.#rows.show(this.#root.querySelector(".list"), items, {
      t, act: this.#act, copy: (text) => void copy(text).then(() => this.#say(t.copied)),
    });
    const dialog = this.#root.querySelector("dialog")!;
    if (conflicts.length && !dialog.open) dialog.showModal();
    if (!conflicts.length && dialog.open) dialog.close();
    if (this.#refocus !== undefined) this.#focusRow(this.#refocus);
    this.#refocus = undefined;
  }

  #dropZone(t: Texts) {
    const ids = this.#hostIds;
    const over = (e: DragEvent) => {
      if (this.disabled || !e.dataTransfer?.types.includes("Files")) return;
      e.preventDefault();
      this.#setOver(true);
    };
    const drop = (e: DragEvent) => {
      e.preventDefault();
      this.#setOver(false);
      if (!this.disabled && e.dataTransfer) void this.add(e.dataTransfer);
    };
    const picked = (e: Event) => {
      const input = e.target as HTMLInputElement;
      void this.add([...input.files!]);
      input.value = ""; // the same file can be picked again
    };
    const open = (id: string) => () => this.#root.querySelector<HTMLInputElement>(id)!.click();
    return html`
      <div class="drop ${this.#over ? "over" : ""}" part="drop-zone" @dragover=${over} @dragleave=${() => this.#setOver(false)} @drop=${drop}>
        <div class="pick"><span>${t.drop}</span>
          <button type="button" class="primary" part="button button-primary" ?disabled=${this.disabled} @click=${open("#files")}>${t.chooseFiles}</button>
          <button type="button" part="button" ?disabled=${this.disabled} @click=${open("#folder")}>${t.chooseFolder}</button>
        </div>
        ${ids.length > 1 ? html`
          <label class="host">${t.host}
            <select part="select" ?disabled=${this.disabled} @change=${(e: Event) => { this.#chosen = (e.target as HTMLSelectElement).value; this.#update(); }}>
              ${ids.map((id) => html`<option ?selected=${id === this.#target}>${id}</option>`)}
            </select></label>` : nothing}
        ${this.#target && this.dir ? html`<div class="to"><bdi>${t.to(`${this.#target}:${this.dir}`)}</bdi></div>` : nothing}
        <input id="files" type="file" multiple hidden @change=${picked}>
        <input id="folder" type="file" webkitdirectory hidden @change=${picked}>
      </div>`;
  }

  get #texts(): Texts {
    const near = this.closest<HTMLElement>("[lang]")?.lang ?? (this.getRootNode() as Partial<ShadowRoot>).host?.closest<HTMLElement>("[lang]")?.lang;
    return textsFor(this.lang || near || navigator.language);
  }

  get #hostIds(): string[] { return this.hosts.split(",").map((h) => h.trim()).filter(Boolean); }

  /** The host that files go to. */
  get #target(): string | undefined {
    const ids = this.#hostIds;
    return this.#chosen && ids.includes(this.#chosen) ? this.#chosen : this.host || ids[0];
  }

  #take({ file, name }: Picked, where: Where, places: Set<string>): Item | undefined {
    const t = this.#texts;
    const host = where.host ?? this.#target;
    const dir = where.dir ?? this.dir;
    if (!host || !(where.path || dir)) return this.#reject(file, "no-target", t.noTarget);
    const path = where.path ?? `${dir!.replace(/\/+$/, "")}/${name}`;
    const most = parseBytes(this.maxSize);
    if (most !== undefined && file.size > most) return this.#reject(file, "too-large", t.tooLarge(name, formatBytes(most)));
    const place = `${host}:${path}`;
    if (places.has(place)) return this.#reject(file, "duplicate", t.duplicate(name));
    places.add(place);
    const item = new Item(++this.#count, file, name, host, path);
    this.#queue.items.push(item);
    return item;
  }

  #reject(file: File, reason: string, note?: string): undefined {
    if (this.#dispatch("file-reject", { file, reason }) && note && !this.#notes.includes(note)) this.#notes.push(note);
  }

  #act = (action: Action, item: Item): void => {
    const index = this.#queue.items.indexOf(item);
    if (action === "restart") this.#queue.retry(item, true);
    else this.#queue[action](item);
    if (action === "remove") this.#refocus = index;
    this.#update();
  };

  #each(action: ActionForAll, item?: Item): void {
    if (item) this.#queue[action](item);
    else if (action === "remove") this.#queue.items = this.#queue.items.filter((i) => i.open);
    else for (const i of this.#queue.items) this.#queue[action](i);
    this.#update();
  }

  #decide = (choice: Choice, forAll: boolean): void => {
    const item = this.#queue.conflicts[0];
    if (item) this.#queue.decide(item, choice, forAll);
    this.#update();
  };

  #dispatch(name: string, detail: Record<string, unknown>): boolean {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
  }

  #tellProgress(): void {
    const moved = this.#moved;
    this.#moved = new Map();
    for (const [item, [sent, merged]] of moved) {
      const { sentBytes, mergedBytes, size } = item;
      if (sentBytes !== sent) this.fire("upload-progress", item, { sentBytes, size });
      if (mergedBytes !== merged) this.fire("merge-progress", item, { mergedBytes, size });
    }
    const words = this.#announcer.take(this.#texts);
    if (words) this.#spoken = words;
  }

  #say(words: string): void {
    this.#spoken = words;
    this.#update();
  }

  #dismiss = (): void => {
    this.#notes = [];
    this.#update();
    this.#root.querySelector<HTMLElement>("button")!.focus();
  };

  #setOver(over: boolean): void {
    if (this.#over === over) return;
    this.#over = over;
    this.#update();
  }

  /** After a row went the focus is on the one that came in its place. */
  #focusRow(index: number): void {
    const { items } = this.#queue;
    const next = items[Math.min(index, items.length - 1)];
    const button = (next && this.#rows.of(next)?.querySelector<HTMLElement>(".actions :last-child")) || this.#root.querySelector("button")!;
    button.focus();
  }

  #warn = (e: Event): void => {
    if (this.#queue.items.some((i) => i.open && i.state !== "paused")) e.preventDefault();
  };

  get #places(): Set<string> {
    return new Set(this.#queue.items.filter((i) => i.open).map((i) => `${i.host}:${i.path}`));
  }
}

for (const [name, attribute] of Object.entries(attributes)) {
  Object.defineProperty(SftpgateUpload.prototype, name, {
    get(this: Element) { return this.getAttribute(attribute) ?? ""; },
    set(this: Element, value: string | null) {
      if (value == null) this.removeAttribute(attribute);
      else this.setAttribute(attribute, value);
    },
  });
}

async function fetchTicket(url: string): Promise<string> {
  const answer = await fetch(url, { credentials: "include", cache: "no-store" });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  try {
    const { ticket } = JSON.parse(text) as { ticket?: unknown };
    if (typeof ticket === "string") return ticket;
  } catch {
    // It is the ticket itself.
  }
  return text.trim();
}
