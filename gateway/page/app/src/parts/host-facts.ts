import { html, nothing } from "lit";
import { bytes, latency } from "../format.ts";
import { language } from "../language.ts";
import { reasonOf } from "../problem.ts";
import type { Host } from "../wire.ts";

/** hostFacts is a line of how a host is: its state in words and in colour, its space, its round trip. */
export function hostFacts(h: Host, asking: boolean) {
  const t = language.words;
  return html`
    <span class="facts figures">
      <span class="state" data-state=${h.state}>${asking && h.state === "unknown" ? t.asking : t[h.state]}</span>
      ${h.free_bytes === null ? nothing : html`<span>${t.free(bytes(h.free_bytes))}</span>`}
      ${h.latency_ms === null ? nothing : html`<span>${latency(h.latency_ms)}</span>`}
      ${h.tags.map((tag) => html`<span class="tag">${tag}</span>`)}
    </span>
    ${h.durability === "degraded" ? html`<span class="why warn">${t.degraded}</span>` : nothing}`;
}

/** hostReason is why a host is down, at most two lines of it. */
export function hostReason(h: Host) {
  return h.state === "down" && h.reason ? html`<span class="why short bad">${reasonOf(h.id, h.reason)}</span>` : nothing;
}
