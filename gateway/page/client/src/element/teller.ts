import type { Item } from "./item.ts";
import type { Owner } from "./owner.ts";

/** The page is told of progress, and shown anew, at most once in so many milliseconds. */
const pace = 250;

/** Tells the page how far items are, without telling it all the time. */
export class Teller {
  #moved = new Set<Item>();
  #timer?: number;

  /** @param show shows what has changed */
  constructor(readonly fire: Owner["fire"], readonly show: () => void) {}

  /** Tells at once how far an item is. */
  tell(item: Item): void {
    const { told: [sent, merged], sentBytes, mergedBytes, size } = item;
    item.told = [sentBytes, mergedBytes];
    if (sentBytes !== sent) this.fire("upload-progress", item, { sentBytes, size });
    if (mergedBytes !== merged) this.fire("merge-progress", item, { mergedBytes, size });
  }

  /** Tells it soon, and shows what has changed. */
  touch(item?: Item): void {
    if (item) this.#moved.add(item);
    this.#timer ??= window.setTimeout(() => {
      this.#timer = undefined;
      for (const one of this.#moved) this.tell(one);
      this.#moved.clear();
      this.show();
    }, pace);
  }
}
