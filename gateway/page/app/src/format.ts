import { formatBytes } from "sftpgate";
import { language } from "./language.ts";

/** bytes shows a size for a person. */
export const bytes = (n: number) => formatBytes(n);

/** exact shows a size in bytes as well, to tell two that look alike apart. */
export function exact(n: number): string {
  return language.words.exactly(bytes(n), language.words.bytes(new Intl.NumberFormat(language.tag).format(n)));
}

/** percent never says 100 % of something that is not whole. */
export function percent(part: number, whole: number): string {
  const p = whole ? part / whole : 1;
  return new Intl.NumberFormat(language.tag, { style: "percent" }).format(p < 1 ? Math.min(Math.floor(p * 100) / 100, 0.99) : 1);
}

/** moment is a day and a time, as "Friday, 27 Nov, 18:00". */
export function moment(iso: string): string {
  return show(iso, { weekday: "long", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** shortMoment is the same with less room. */
export function shortMoment(iso: string): string {
  return show(iso, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** stamp is a short date and time that nobody reads the wrong way round, of one width: 2026-11-27 18:00. */
export function stamp(iso: string): string {
  const d = new Date(iso);
  if (Number.isNaN(d.getTime())) return "";
  return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16).replace("T", " ");
}

export function clock(d: Date): string {
  return show(d, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

function show(when: string | Date, options: Intl.DateTimeFormatOptions): string {
  const d = new Date(when);
  // English as it is written where days come before months.
  const tag = language.tag === "en" ? "en-GB" : language.tag;
  return Number.isNaN(d.getTime()) ? "" : new Intl.DateTimeFormat(tag, options).format(d);
}

/** latency shows milliseconds. */
export function latency(ms: number): string {
  const digits = ms < 10 ? 1 : 0;
  return `${new Intl.NumberFormat(language.tag, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(ms)} ms`;
}
