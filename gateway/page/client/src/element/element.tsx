import { Api, type Ticket } from "../api.ts";
import { Announcer } from "./announcer.ts";
import { adopt, attributes, Attributed } from "./attributes.ts";
import { ask, conflictDialog } from "./conflict.tsx";
import type { Choice } from "./conflicts.ts";
import { copy } from "./copy.ts";
import { h, patch } from "./dom.ts";
import { dropZone } from "./drop.tsx";
import type { SftpgateUploadEvents } from "./events.ts";
import { parseBytes } from "./format.ts";
import { Intake, type Where } from "./intake.ts";
import type { Item } from "./item.ts";
import { notice } from "./notice.tsx";
import { Overall, type ActionForAll } from "./overall.tsx";
import type { Owner } from "./owner.ts";
import { Queue } from "./queue.ts";
import type { Action } from "./row.tsx";
import { Rows } from "./rows.ts";
import css from "./style.css";
import { Teller } from "./teller.ts";
import { languageOf, textsFor, type Texts } from "./texts.ts";
import { fetchTicket } from "./ticket.ts";

let sheet: CSSStyleSheet | undefined;

/**
 * `<sftpgate-upload>`: files are dropped on it, or chosen, and it brings them to a host.
 * README.md lists its attributes, events, parts and custom properties.
 */
export class SftpgateUpload extends Attributed {
  static readonly observedAttributes = [...attributes, "lang", "disabled", "no-cancel"];

  #root = this.attachShadow({ mode: "open" });
  #api?: Api;
  #ticket?: Ticket;
  #owner: Owner = {
    options: () => ({
      api: this.#api ??= new Api({ endpoint: this.endpoint, ticket: this.#freshTicket }),
      overwrite: this.overwrite || "ask", chunkSize: parseBytes(this.chunkSize), filesAtOnce: Number(this.concurrency) || 3,
      digest: this.digest || undefined, noCancel: this.noCancel,
    }),
    fire: (name, item, more = {}) => {
      this.#announcer.note(name, item);
      return this.#dispatch(name, Object.assign(more, { item, file: item.file }));
    },
    tell: (item) => this.#teller.tell(item),
    touch: (item) => this.#teller.touch(item),
  };
  #teller = new Teller(this.#owner.fire, () => {
    this.#spoken = this.#announcer.take(this.#texts) || this.#spoken;
    // A browser that does not show the page need not show it anew.
    requestAnimationFrame(() => this.#update());
  });
  #queue = new Queue(this.#owner);
  #intake = new Intake(this.#queue, {
    texts: () => this.#texts,
    place: () => ({ host: this.#target, dir: this.dir, most: parseBytes(this.maxSize) }),
    reject: (file, reason) => this.#dispatch("file-reject", { file, reason }),
  });
  #overall = new Overall();
  #announcer = new Announcer();
  #rows = new Rows(() => this.#update());
  #spoken = "";
  #chosen = "";
  #asked?: Item;
  #stale = false;

  /** A ticket, or what fetches a fresh one; instead of `ticket-url`. Once it is set it is used from the next file on. */
  get ticket(): Ticket | undefined { return this.#ticket; }
  set ticket(ticket: Ticket | undefined) {
    this.#ticket = ticket;
    this.#api = undefined; // it keeps the one that it was given
  }

  /** The files of the queue. */
  get items(): readonly Item[] { return this.#queue.items; }

  /** Adds files, and the files in dropped directories. Resolves with the items when all are found. */
  async add(files: File | FileList | File[] | DataTransfer, where: Where = {}): Promise<Item[]> {
    const added = await this.#intake.add(files, where);
    this.#update();
    return added;
  }

  /** Pauses one file, or all. */
  pause(item?: Item): void { this.#each("pause", item); }
  /** Goes on with one file, or all. */
  resume(item?: Item): void { this.#each("resume", item); }
  /** Tries one file again, or all that failed. */
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
      if (focused && !focused.offsetParent) (this.#rows.after(focused, this.items) ?? this.#root.querySelector("button"))!.focus();
    });
  }

  #render(): void {
    const t = this.#texts;
    const { noCancel } = this;
    const { items, conflicts: { items: [asked] } } = this.#queue;
    patch(this.#root, [
      <div class="base" part="base" lang={t.tag}>
        {dropZone({
          t, disabled: this.disabled, hosts: split(this.hosts), host: this.#target, dir: this.dir,
          choose: (host) => { this.#chosen = host; this.#update(); },
          add: (files) => void this.add(files),
        })}
        {notice(this.#intake.notes, t, () => { this.#intake.notes = []; this.#update(); })}
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

  get #texts(): Texts { return textsFor(languageOf(this)); }

  /** The host that files go to. */
  get #target(): string {
    const ids = split(this.hosts);
    return ids.includes(this.#chosen) ? this.#chosen : this.host || ids[0] || "";
  }

  #act = (action: Action, item: Item): void => {
    this.#rows.pressed = this.items.indexOf(item);
    if (action === "restart") this.#queue.retry(item, true);
    else this.#queue[action](item);
    this.#update();
  };

  #each(action: ActionForAll, item?: Item): void {
    if (item) this.#queue[action](item);
    else this.#queue.each(action);
    this.#update();
  }

  #decide(choice: Choice, forAll: boolean): void {
    this.#queue.conflicts.answer(choice, forAll);
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

const split = (list: string): string[] => list.split(",").map((one) => one.trim()).filter(Boolean);
