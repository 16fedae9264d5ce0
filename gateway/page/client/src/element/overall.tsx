import { Meter } from "../meter.ts";
import { h, type Shown } from "./dom.ts";
import { formatBytes, percent } from "./format.ts";
import type { Item, ItemState } from "./item.ts";
import { bar, pace, type Action } from "./row.tsx";
import type { Texts } from "./texts.ts";

/** What an overall button does, to every item that it fits. */
export type ActionForAll = Exclude<Action, "restart">;

/** The sums over the queue, and the bar that shows them. */
export class Overall {
  #meter = new Meter();

  show(items: Item[], t: Texts, noCancel: boolean, act: (action: ActionForAll) => void): Shown {
    let size = 0, sent = 0, merged = 0;
    const count = (state: ItemState) => items.filter((i) => i.state === state).length;
    const done = count("done");
    const failed = count("failed");
    for (const i of items) {
      if (i.state === "cancelled" || i.state === "skipped") continue;
      size += i.size;
      sent += i.sentBytes;
      merged += i.mergedBytes;
    }
    this.#meter.note(sent);
    const speed = items.some((i) => i.active) ? this.#meter.speed() : 0;
    const of = (part: number) => (size ? percent(part, size) : done ? 100 : 0);
    // A button that is really disabled would lose the focus.
    const button = (action: ActionForAll, can: (i: Item) => boolean, label: string) => (
      <button type="button" part="button" aria-disabled={!items.some(can) && "true"} onclick={() => act(action)}>{label}</button>
    );
    return (
      <div class="overall" part="overall">
        <div class="num"><b>{t.counts(done, items.length)}</b><span class="bad">{failed > 0 && ` · ${t.failedCount(failed)}`}</span></div>
        <div class="bytes num">{formatBytes(sent)} / {formatBytes(size)}</div>
        {pace(speed, speed && sent < size ? (size - sent) / speed : undefined, t)}
        {bar(of(sent), of(merged), t.overall, t)}
        <div class="buttons">
          {button("pause", (i) => i.canPause, t.pauseAll)}
          {button("resume", (i) => i.canResume, t.resumeAll)}
          {button("retry", (i) => i.state === "failed", t.retryAll)}
          {!noCancel && button("cancel", (i) => i.canCancel, t.cancelAll)}
          {button("remove", (i) => !i.open, t.clear)}
        </div>
      </div>
    );
  }
}
