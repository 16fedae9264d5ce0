import { patch } from "./dom.ts";
import type { Item } from "./item.ts";
import { row, type RowContext } from "./row.tsx";

/** Rows kept above and below those that are seen, so that the keyboard always finds a next one. */
const margin = 8;

/**
 * The rows of the queue that are seen; thousands more cost nothing. All have one height. A row
 * stays the same element for as long as it is shown, and so keeps the focus.
 */
export class Rows {
  #shown = new Map<Item, HTMLLIElement>();
  #height = 64;
  #top = 0;
  #put = 0; // where the list was scrolled to by itself
  #left = false; // somebody scrolled away from there
  /** The index of the row whose button was pressed last. */
  pressed = 0;

  constructor(readonly changed: () => void) {}

  /** The button that took the place of one that had the focus, where there is one. */
  after(lost: HTMLElement, items: readonly Item[]): HTMLElement | null | undefined {
    const next = items[Math.min(this.pressed, items.length - 1)];
    const actions = lost.isConnected ? lost.parentElement : next && this.#shown.get(next)?.querySelector(".actions");
    return actions?.lastElementChild as HTMLElement | null | undefined;
  }

  /** Brings the rows up to date. */
  show(list: HTMLElement | null, items: Item[], context: RowContext): void {
    if (!list) {
      this.#left = false;
      return this.#shown.clear();
    }
    const ul = list.firstElementChild as HTMLElement;
    const height = this.#height;
    // What is under way stays in sight, unless somebody scrolled, or is about to do something in the list.
    const first = items.findIndex((i) => i.open);
    if (first >= 0 && !this.#left && !list.matches(":hover, :focus-within")) {
      list.scrollTop = first * height;
      this.#put = list.scrollTop;
    }
    this.#top = list.scrollTop;
    const from = Math.max(0, Math.floor(this.#top / height) - margin);
    const seen = items.slice(from, Math.ceil((this.#top + list.clientHeight) / height) + margin);
    ul.style.height = `${items.length * height}px`;
    ul.style.paddingTop = `${from * height}px`;

    const shown = new Map<Item, HTMLLIElement>();
    for (const item of seen) shown.set(item, this.#shown.get(item) ?? document.createElement("li"));
    for (const [item, li] of this.#shown) if (!shown.has(item)) li.remove();
    this.#shown = shown;
    // Items never change places: what is in its place is not touched.
    let at: Element | null = ul.firstElementChild;
    let index = from;
    for (const [item, li] of shown) {
      if (li === at) at = at.nextElementSibling;
      else ul.insertBefore(li, at);
      li.className = `item ${item.state}`;
      li.part.value = `item item-${item.state}`;
      li.ariaSetSize = `${items.length}`;
      li.ariaPosInSet = `${++index}`;
      patch(li, row(item, context));
    }
    const now = ul.firstElementChild?.getBoundingClientRect().height;
    if (now && now !== height) {
      this.#height = now; // it depends on the style and the width
      this.changed();
    }
  }

  scrolled = (e: Event): void => {
    const { scrollTop } = e.currentTarget as HTMLElement;
    this.#left = Math.abs(scrollTop - this.#put) > this.#height;
    if (Math.abs(scrollTop - this.#top) > (margin / 2) * this.#height) this.changed();
  };
}
