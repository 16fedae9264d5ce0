import { html, nothing, type TemplateResult } from "lit-html";
import { formatBytes, formatTime, hexDigest, percent } from "./format.ts";
import { icons } from "./icons.ts";
import type { Item } from "./item.ts";
import { explain, type Texts } from "./texts.ts";

/** What a row's buttons do. */
export type Action = "pause" | "resume" | "retry" | "restart" | "cancel" | "remove";

/** What rows need of the element. */
export interface RowContext {
  t: Texts;
  act(action: Action, item: Item): void;
  copy(text: string): void;
}

/** One file of the queue. Both buttons stay the same elements whatever they do, and so keep the focus. */
export function row(item: Item, c: RowContext): TemplateResult {
  const { t } = c;
  return html`
      <div class="name" part="name" title=${item.path}><bdi>${item.lastName}</bdi></div>
      <div class="dir" part="directory"><bdi>${item.host}:${item.directory}</bdi></div>
      <div class="size num">${formatBytes(item.size)}</div>
      <div class="state" part="state">${stateText(item, t)}</div>
      <div class="actions">
        ${main(item, c)}
        ${button(item.canCancel ? "cancel" : "remove", item, c)}
      </div>
      ${body(item, c)}`;
}

function main(item: Item, c: RowContext): TemplateResult {
  if (item.canRestart) return button("restart", item, c);
  if (item.canRetry) return button("retry", item, c);
  if (item.canResume) return button("resume", item, c);
  return button("pause", item, c, !item.canPause);
}

function button(action: Action, item: Item, { t, act }: RowContext, off = false): TemplateResult {
  const icon = icons[action === "restart" ? "retry" : action];
  return html`<button type="button" class="icon" part="button" ?hidden=${off} title=${t[action]}
    aria-label=${t.named(t[action], item.lastName)} @click=${() => act(action, item)}>${icon}</button>`;
}

function stateText(item: Item, t: Texts): string {
  const { waiting } = item.upload ?? {};
  if (!waiting || !item.active) return t[item.state];
  if (waiting.code === "network") return t.offline;
  return waiting.code.startsWith("host-") ? t.hostAway : t.again;
}

function body(item: Item, c: RowContext) {
  if (item.state === "done") return finished(item, c);
  const { error } = item;
  if (item.state === "failed" && error) {
    return html`<div class="message" part="error" title=${error.detail}>${explain(c.t, error)}${
      error.detail ? html` <span class="detail"><bdi>${error.detail}</bdi></span>` : nothing}</div>`;
  }
  return item.open ? moving(item, c.t) : nothing;
}

function moving(item: Item, t: Texts): TemplateResult {
  const { upload } = item;
  const left = item.active ? upload?.timeLeft : undefined;
  const sent = item.size ? percent(item.sentBytes, item.size) : 0;
  const merged = item.size ? percent(item.mergedBytes, item.size) : 0;
  return html`
    ${bar(sent, merged, item.lastName, t)}
    <div class="percent num">${upload ? t.progress(sent, merged) : nothing}</div>
    <div class="speed num">${upload?.speed ? t.perSecond(formatBytes(upload.speed)) : nothing}</div>
    <div class="left num">${left === undefined ? nothing : t.left(formatTime(left))}</div>`;
}

/** One bar of two phases: what was sent, and over it what is merged on the host. */
export function bar(sent: number, merged: number, name: string, t: Texts): TemplateResult {
  // The property goes through CSSOM, which a Content-Security-Policy allows; the attribute would not.
  return html`
    <div class="bar" part="bar" role="progressbar" aria-label=${name} aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${sent} aria-valuetext=${t.progress(sent, merged)}>
      <div class="sent" part="bar-sent" .style=${`transform:scaleX(${sent / 100})`}></div>
      <div class="merged" part="bar-merged" .style=${`transform:scaleX(${merged / 100})`}></div>
    </div>`;
}

function finished({ result, lastName }: Item, { t, copy }: RowContext): TemplateResult {
  const path = result?.path ?? "";
  const digest = result?.digest ? hexDigest(result.digest) : "";
  const line = (text: string, label: string) => html`
    <div class="result" part="result"><code title=${text}><bdi>${text}</bdi></code>
      <button type="button" class="icon small" part="button" title=${label} aria-label=${t.named(label, lastName)}
        @click=${() => copy(text)}>${icons.copy}</button></div>`;
  const checked = result?.verified === "sha-256" ? t.checkedWhole : result?.verified ? t.checkedChunks : "";
  return html`
    <div class="results">
      ${line(path, t.copyPath)}
      ${digest ? line(digest, t.copyDigest) : html`<div class="result soft">${result?.notes?.join(" ") || checked}</div>`}
    </div>`;
}
