import { Store } from "./store.ts";

/** Voice tells people what they might not see, above all those who hear the page. */
export class Voice extends Store {
  text = "";

  say(text: string): void {
    // The same sentence twice is read out twice only when it differs.
    this.text = text === this.text ? `${text}\u00a0` : text;
    this.changed();
  }
}
