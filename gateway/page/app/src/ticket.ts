import { Store } from "./store.ts";

/** How long a panel may take to answer that it was asked for a ticket. */
const patience = 8000;
/** The first and the longest wait before a panel is asked again. */
const shortest = 1000, longest = 60_000;

/**
 * Ticket holds the ticket, in memory alone. It comes from the address
 * (#ticket=…), from the page that embeds this one, or by hand.
 */
export class Ticket extends Store {
  text = "";
  /** The last ticket that the gateway refused. */
  private bad = "";
  private wait = shortest;
  private timer = 0;

  /** @param origins whose messages are believed */
  constructor(private origins: string[]) {
    super();
    this.text = fromAddress();
    window.addEventListener("message", (e) => this.hear(e));
    window.addEventListener("hashchange", () => {
      const text = fromAddress();
      if (text) this.set(text);
    });
  }

  /** set takes a ticket, or a whole link with one in it. */
  set(text: string): void {
    const bare = ticketIn(text.slice(text.indexOf("#") + 1)) || text;
    // What cannot stand in a ticket came with the link: a blank, a full stop, a mark of no width.
    this.text = bare.replace(/^\s*Bearer/i, "").replace(/[^\w.~+/=-]+/g, "");
    this.changed();
  }

  /** refused hears that the gateway does not take the ticket at hand. */
  refused(): void {
    this.bad = this.text;
  }

  /** good hears that the gateway takes the ticket at hand. */
  good(): void {
    clearTimeout(this.timer);
    this.wait = shortest;
  }

  /** want asks the embedding page for a ticket, and again, ever more seldom, until one is good. */
  want(): void {
    if (!this.embedded) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.ask();
      this.want();
    }, this.wait);
    this.wait = Math.min(2 * this.wait, longest);
  }

  get embedded(): boolean {
    return window.parent !== window;
  }

  /** ask asks the embedding page for a ticket. It tells nothing, so anybody may hear it. */
  ask(): void {
    if (this.embedded) window.parent.postMessage({ type: "sftpgate-ticket-wanted" }, "*");
  }

  /** renewed asks for another ticket than the one at hand; "" where none comes. */
  renewed(): Promise<string> {
    if (!this.embedded) return Promise.resolve("");
    return new Promise((resolve) => {
      const old = this.text;
      const end = this.watch(() => this.text !== old && finish(this.text));
      const timer = setTimeout(() => finish(""), patience);
      const finish = (text: string) => {
        end();
        clearTimeout(timer);
        resolve(text);
      };
      this.ask();
    });
  }

  private hear(e: MessageEvent): void {
    if (e.origin !== location.origin && !this.origins.includes(e.origin)) return;
    const said = e.data as { type?: unknown; ticket?: unknown } | null;
    if (said?.type === "sftpgate-ticket" && typeof said.ticket === "string" && said.ticket !== this.bad) this.set(said.ticket);
  }
}

/** fromAddress takes the ticket out of the address bar, so that it stays in no history. */
function fromAddress(): string {
  const text = ticketIn(location.hash.slice(1));
  if (text) history.replaceState(history.state, "", location.pathname + location.search);
  return text;
}

const ticketIn = (hash: string) => new URLSearchParams(hash).get("ticket") ?? "";
