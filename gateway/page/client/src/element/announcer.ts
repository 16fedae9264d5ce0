import type { Item } from "./item.ts";
import type { Texts } from "./texts.ts";

/** What is worth saying of an item. */
export type News = "sending" | "done" | "failed";

/** Collects what a screen reader should say: a few files by name, many by their number. */
export class Announcer {
  #heard = new Map<News, Item[]>();

  note(news: News, item: Item): void {
    this.#heard.set(news, [...(this.#heard.get(news) ?? []), item]);
  }

  /** What there is to say since the last time, "" for nothing. */
  take(t: Texts): string {
    const heard = [...this.#heard];
    this.#heard.clear();
    return heard.map(([news, items]) =>
      `${t[news]}: ${items.length > 2 ? t.files(items.length) : items.map((i) => i.lastName).join(", ")}`).join(". ");
  }
}
