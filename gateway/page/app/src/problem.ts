import { GateError } from "sftpgate";
import { language } from "./language.ts";
import { en } from "./words/en.ts";

type Problem = Pick<GateError, "code" | "detail"> | { code?: string; detail?: string; title?: string };

/** inWords is a refusal as a sentence in the reader's language, with the gateway's own words. */
export function inWords(p: Problem): string {
  const detail = sentence(p.detail ?? "");
  const own = language.words.problem[p.code ?? ""];
  if (!own) return detail || sentence(p.code ?? "");
  // Words that every language has say it all; others leave out which path, or which number.
  return detail && !en.problem[p.code ?? ""] ? `${own}${language.words.gatewaySays(detail)}` : own;
}

/** failure is anything that was thrown, as a sentence. */
export function failure(e: unknown): string {
  if (e instanceof GateError) return inWords(e);
  return e instanceof Error ? e.message : String(e);
}

/** reasonOf is why a host is down, without the name that stands above it anyway. */
export function reasonOf(host: string, reason: string): string {
  const bare = reason.startsWith(`host ${host}: `) ? reason.slice(`host ${host}: `.length) : reason;
  return sentence(bare ? bare[0]!.toUpperCase() + bare.slice(1) : "");
}

/** sentence begins what the gateway says with a capital and ends it with a stop. Names stay as they are. */
export function sentence(s: string): string {
  if (!s) return "";
  const first = /^(host|the|a|an|this|another|there|it|which|nothing|no|only|file)\b/.test(s) ? s[0]!.toUpperCase() + s.slice(1) : s;
  return /[.!?。]$/.test(first) ? first : `${first}.`;
}
