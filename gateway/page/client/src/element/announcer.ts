import type { Item } from "./item.ts";
import type { Texts } from "./texts.ts";

type Kind = "start" | "success" | "error";

/** Collects what a screen reader should say: a few files by name, many by their number. */
export class Announcer {
  #heard: Record<Kind, Item[]> = { start: [], success: [], error: [] };

  note(kind: Kind, item: Item): void { this.#heard[kind].push(item); }

  /** What there is to say since the last time, "" for nothing. */
  take(t: Texts): string {
    const { start, success, error } = this.#heard;
    this.#heard = { start: [], success: [], error: [] };
    const say = (items: Item[], one: (name: string) => string, many: (n: number) => string) =>
      items.length > 2 ? [many(items.length)] : items.map((i) => one(i.lastName));
    return [
      ...say(error, t.broke, t.brokeMany),
      ...say(success, t.finished, t.finishedMany),
      ...say(start, t.started, t.startedMany),
    ].join(". ");
  }
}
