import type { GateError } from "../errors.ts";
import { en, type ErrorText, type Texts } from "./texts.en.ts";
import { zhCN } from "./texts.zh-CN.ts";

export type { Texts } from "./texts.en.ts";

/** The texts for a language tag; English where there are none. */
export const textsFor = (tag: string): Texts => (/^zh\b/i.test(tag) ? zhCN : en);

/** What happened, and what to do. */
export function explain(t: Texts, e: GateError): string {
  const own = t.errors[e.code as ErrorText];
  if (own) return own;
  if (e.code === "stalled") return t.errors.network;
  if (e.code === "path-forbidden") return t.errors.forbidden;
  return e.code.startsWith("host-") ? t.errors.host : t.errors.gateway;
}
