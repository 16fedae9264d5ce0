import { h, type Shown } from "./dom.ts";
import { formatBytes, formatTime, hexDigest, percent } from "./format.ts";
import { iconButton } from "./icons.tsx";
import type { Item } from "./item.ts";
import { explain, type Texts } from "./texts.ts";

/** What a row's buttons do. */
export type Action = "pause" | "resume" | "retry" | "restart" | "cancel" | "remove";

/** What rows need of the element. */
export interface RowContext {
  t: Texts;
  noCancel: boolean;
  act(action: Action, item: Item): void;
  copy(text: string): void;
}

/** What is in one row. Both buttons stay the same elements whatever they do, and so keep the focus. */
export function row(item: Item, c: RowContext): Shown[] {
  const { t } = c;
  const button = (action: Action, hidden = false) => iconButton(action, t[action], item.lastName, () => c.act(action, item), hidden);
  const first = item.canRestart ? "restart" : item.canRetry ? "retry" : item.canResume ? "resume" : "pause";
  return [
    <div class="name" part="name" title={item.path}>
      <bdi>{item.lastName}</bdi> <bdi class="soft" part="directory">{item.state !== "done" && `${item.host}:${item.directory}`}</bdi>
    </div>,
    <div class="size num">{formatBytes(item.size)}</div>,
    <div class="state" part="state">{stateText(item, t)}</div>,
    <div class="actions">{button(first, first === "pause" && !item.canPause)}{button(item.canCancel && !c.noCancel ? "cancel" : "remove")}</div>,
    ...(item.state === "done" ? finished(item, c) : item.open ? moving(item, t) : failed(item, t)),
  ];
}

function stateText({ state, active, upload, size }: Item, t: Texts): string {
  const waiting = active && upload?.waiting;
  if (state === "checking") return `${t.checking} ${percent(upload!.hashedBytes, size)}%`;
  if (!waiting) return t[state];
  if (waiting.code === "network") return navigator.onLine ? t.gatewayAway : t.offline;
  return waiting.code.startsWith("host-") ? t.hostAway : t.again;
}

const failed = ({ error }: Item, t: Texts): Shown[] => error ? [
  <div class="message" part="error" title={error.detail}>
    {explain(t, error)} {error.code !== "target-exists" && <bdi class="soft">{error.detail}</bdi>}
  </div>,
] : [];

function moving(item: Item, t: Texts): Shown[] {
  const { upload, active, size } = item;
  const sent = size ? percent(item.sentBytes, size) : 0;
  const merged = size ? percent(item.mergedBytes, size) : 0;
  return [
    bar(sent, merged, item.lastName, t),
    <div class="percent num">{upload && t.progress(sent, merged)}</div>,
    ...pace(active && upload ? upload.speed : 0, active ? upload?.timeLeft : undefined, t),
  ];
}

/** A speed and the time that is left, while they are known. */
export const pace = (speed: number, timeLeft: number | undefined, t: Texts): Shown[] => [
  <div class="speed num">{speed > 0 && `${formatBytes(speed)}/s`}</div>,
  <div class="left num">{timeLeft !== undefined && t.left(formatTime(timeLeft))}</div>,
];

/** One bar of two phases: what was sent, and over it what is merged on the host. */
export const bar = (sent: number, merged: number, name: string, t: Texts): Shown => (
  <div class="bar" part="bar" role="progressbar" aria-label={name} aria-valuenow={sent} aria-valuetext={t.progress(sent, merged)}>
    <div class="sent" part="bar-sent" style={`transform:scaleX(${sent / 100})`} />
    <div class="merged" part="bar-merged" style={`transform:scaleX(${merged / 100})`} />
  </div>
);

function finished({ result, lastName }: Item, { t, copy }: RowContext): Shown[] {
  const { path, digest, verified, notes } = result!;
  const line = (text: string, label: string, kind?: string) => (
    <div class="result" part="result">
      {kind && <span class="soft">{kind}</span>}
      <code title={text}><bdi>{text}</bdi></code>
      {iconButton("copy", label, lastName, () => copy(text))}
    </div>
  );
  return [
    <div class="results">
      {line(path, t.copyPath)}
      {digest ? line(hexDigest(digest), t.copyDigest, "SHA-256") : <div class="result soft">{notes?.join(" ") ?? (verified && t.checked)}</div>}
    </div>,
  ];
}
