import type { Item } from "./item.ts";
import type { Texts } from "./texts.ts";

/** Events that are worth saying, and what they mean for an item. */
const news = { "upload-start": "sending", "upload-success": "done", "upload-error": "failed" } as const;
type Event = keyof typeof news;

/** Collects what a screen reader should say: a few files by name, many by their number. */
export class Announcer {
  #heard = new Map<Event, Item[]>();

  note(event: string, item: Item): void {
    if (event in news) this.#heard.set(event as Event, [...(this.#heard.get(event as Event) ?? []), item]);
  }

  /** What there is to say since the last time, "" for nothing. */
  take(t: Texts): string {
    const heard = [...this.#heard];
    this.#heard.clear();
    return heard.map(([event, items]) =>
      `${t[news[event]]}: ${items.length > 2 ? t.files(items.length) : items.map((i) => i.lastName).join(", ")}`).join(". ");
  }
}
