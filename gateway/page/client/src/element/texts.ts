import type { GateError } from "../errors.ts";
import { en, type ErrorText, type Texts } from "./texts.en.ts";
import { zhCN } from "./texts.zh-CN.ts";

export type { Texts } from "./texts.en.ts";

/** The texts for a language tag; English where there are none. */
export const textsFor = (tag: string): Texts => (/^zh\b/i.test(tag) ? zhCN : en);

/** The language around an element, across the border of a shadow tree; else the browser's. */
export const languageOf = (element: HTMLElement): string =>
  element.lang || (element.closest<HTMLElement>("[lang]")?.lang ??
    (element.getRootNode() as Partial<ShadowRoot>).host?.closest<HTMLElement>("[lang]")?.lang) || navigator.language;

/** What happened, and what to do. */
export function explain(t: Texts, { code, upload }: GateError): string {
  if (code === "different-file" && !upload) code = "cancelled";
  const group = code === "stalled" ? "network" : code === "path-forbidden" || code === "permission-denied" ? "forbidden" :
    code === "changed-meanwhile" ? "target-exists" : code.startsWith("host-") ? "host" : "gateway";
  return t.errors[code as ErrorText] ?? t.errors[group];
}
