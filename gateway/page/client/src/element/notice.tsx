import { h, type Shown } from "./dom.ts";
import type { Texts } from "./texts.ts";

/** What there is to say of files that were not added, until somebody has read it. */
export const notice = (notes: string[], t: Texts, dismiss: () => void): Shown | false => notes.length > 0 && (
  <div class="notes" part="notice" role="status">
    <div>{notes.map((n) => <p><bdi>{n}</bdi></p>)}</div>
    <button type="button" part="button" onclick={dismiss}>{t.dismiss}</button>
  </div>
);
