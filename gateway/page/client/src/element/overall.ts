import { html, nothing, type TemplateResult } from "lit-html";
import { Meter } from "../meter.ts";
import { formatBytes, formatTime, percent } from "./format.ts";
import type { Item } from "./item.ts";
import { bar, type Action } from "./row.ts";
import type { Texts } from "./texts.ts";

/** What an overall button does, to every item that it fits. */
export type ActionForAll = Exclude<Action, "restart">;

/** The sums over the queue, and the bar that shows them. */
export class Overall {
  #meter = new Meter();

  render(items: Item[], t: Texts, act: (action: ActionForAll) => void): TemplateResult {
    let size = 0, sent = 0, merged = 0, done = 0, failed = 0, active = 0;
    const can = { pause: false, resume: false, retry: false, cancel: false, remove: false };
    for (const i of items) {
      if (i.state === "done") done++;
      if (i.state === "failed") failed++;
      if (i.active) active++;
      can.pause ||= i.canPause;
      can.resume ||= i.canResume;
      can.retry ||= i.canRetry;
      can.cancel ||= i.canCancel;
      can.remove ||= !i.open;
      if (i.state === "cancelled" || i.state === "skipped") continue;
      size += i.size;
      sent += i.sentBytes;
      merged += i.mergedBytes;
    }
    this.#meter.note(sent);
    const speed = active ? this.#meter.speed() : 0;
    const whole = size ? percent(sent, size) : done ? 100 : 0;
    const button = (action: ActionForAll, label: string) => html`
      <button type="button" part="button" ?disabled=${!can[action]} @click=${() => act(action)}>${label}</button>`;
    return html`
      <div class="overall" part="overall">
        <div class="counts num">${t.counts(done, items.length)}${failed ? html` · <span class="bad">${t.failedCount(failed)}</span>` : nothing}</div>
        <div class="bytes num">${formatBytes(sent)} / ${formatBytes(size)}</div>
        <div class="speed num">${speed ? t.perSecond(formatBytes(speed)) : nothing}</div>
        <div class="left num">${speed && sent < size ? t.left(formatTime((size - sent) / speed)) : nothing}</div>
        ${bar(whole, size ? percent(merged, size) : whole, t.overall, t)}
        <div class="forall">
          ${button("pause", t.pauseAll)} ${button("resume", t.resumeAll)} ${button("retry", t.retryAll)}
          ${button("cancel", t.cancelAll)} ${button("remove", t.clear)}
        </div>
      </div>`;
  }
}
