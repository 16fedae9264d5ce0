import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { Host } from "../wire.ts";
import { hostFacts, hostReason } from "./host-facts.ts";
import { Part } from "./part.ts";

/** How many hosts are shown at once; who has more of them types. */
const most = 60;

/** <sg-host-picker> finds a host: a field to search in, and the list of what matches. */
@customElement("sg-host-picker")
export class HostPicker extends Part {
  @state() private query = "";
  @state() private active = 0;

  protected override stores() {
    return [this.desk.place];
  }

  private get found(): Host[] {
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    return (this.desk.place.hosts ?? []).filter((h) => {
      const text = [h.id, h.label, ...h.tags].join("\n").toLowerCase();
      return words.every((w) => text.includes(w));
    });
  }

  protected override render() {
    const all = this.found;
    const shown = all.slice(0, most);
    const active = Math.min(this.active, shown.length - 1);
    return html`<div class="panel">
      <label class="hush" for="host-search">${this.t.findHost}</label>
      <input id="host-search" type="search" placeholder=${this.t.findHost} autocomplete="off" spellcheck="false"
        role="combobox" aria-expanded="true" aria-autocomplete="list" aria-controls="host-list"
        aria-activedescendant=${active >= 0 ? `host-${active}` : nothing}
        .value=${this.query} @input=${this.search} @keydown=${this.key}>
      <div class="list" id="host-list" role="listbox" tabindex="-1" aria-label=${this.t.host}>
        ${shown.map((h, i) => this.option(h, i, i === active))}
      </div>
      <p class="quiet count" role="status">${all.length === 0 ? this.t.noMatch(this.query)
        : all.length > most ? this.t.moreHosts(all.length - most) : this.t.hostCount(all.length)}</p>
    </div>`;
  }

  private option(h: Host, i: number, active: boolean) {
    const chosen = this.desk.place.host?.id === h.id;
    return html`<div role="option" id="host-${i}" class=${active ? "active" : ""} aria-selected=${chosen} @click=${() => this.pick(h)}>
      <span class="names"><b>${h.label || h.id}</b>${h.label && h.label !== h.id ? html` <span class="id">${h.id}</span>` : nothing}</span>
      ${hostFacts(h, false)}${hostReason(h)}
    </div>`;
  }

  private search(e: Event): void {
    this.query = (e.target as HTMLInputElement).value;
    this.active = 0;
  }

  private key(e: KeyboardEvent): void {
    const last = Math.min(this.found.length, most) - 1;
    const to: Record<string, number> = {
      ArrowDown: Math.min(this.active + 1, last), ArrowUp: Math.max(this.active - 1, 0),
      PageDown: Math.min(this.active + 8, last), PageUp: Math.max(this.active - 8, 0),
    };
    if (e.key in to) {
      this.active = to[e.key]!;
      void this.updateComplete.then(() => this.find(`#host-${this.active}`)?.scrollIntoView({ block: "nearest" }));
    } else if (e.key === "Enter") {
      const h = this.found[this.active];
      if (h) this.pick(h);
    } else if (e.key === "Escape" && !this.query && this.desk.place.host) {
      this.dispatchEvent(new CustomEvent("closed"));
    } else {
      return;
    }
    e.preventDefault();
  }

  private pick(h: Host): void {
    this.desk.place.pick(h.id);
    this.dispatchEvent(new CustomEvent("picked"));
  }
}
