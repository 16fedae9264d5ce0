import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { failure } from "../problem.ts";
import type { Host } from "../wire.ts";
import "./browser.ts";
import "./directory.ts";
import { hostFacts } from "./host-facts.ts";
import "./host-picker.ts";
import { Part } from "./part.ts";

/** <sg-destination> is where one says where the files go: the host, and the directory on it. */
@customElement("sg-destination")
export class Destination extends Part {
  /** What is folded out below the two fields. */
  @state() private open: "hosts" | "browser" | "" = "";

  protected override stores() {
    return [this.desk.place, this.desk.session, this.desk.health];
  }

  protected override render() {
    const { place } = this.desk;
    return html`<section class="card" aria-labelledby="destination">
      <h2 id="destination" class="hush">${this.t.destination}</h2>
      ${place.hosts === undefined
        ? place.problem ? html`<p class="bad" role="alert">${this.t.hostsFailed} ${failure(place.problem)}
            <button type="button" @click=${() => void place.load()}>${this.t.retryNow}</button></p>` : html`<p class="quiet">${this.t.starting}</p>`
        : place.hosts.length ? this.fields() : html`<p>${this.t.noHosts}</p>`}
    </section>`;
  }

  private fields() {
    const { place, session } = this.desk;
    const choosing = !place.host || this.open === "hosts";
    return html`
      <div class="where">
        <div class="field">
          <span class="label" id="host-label">${this.t.host}</span>
          ${place.hosts!.length === 1 ? html`<p class="only">${place.host?.label || place.host?.id}</p>` : html`
            <button type="button" class="choice" id="host-choice" aria-labelledby="host-label host-choice" aria-expanded=${choosing} aria-controls="hosts"
              @click=${this.toggleHosts}><span>${place.host ? place.host.label || place.host.id : this.t.chooseHost}</span></button>`}
          ${place.host ? hostFacts(this.known(place.host), place.asking) : nothing}
        </div>
        ${place.host ? html`<sg-directory .desk=${this.desk} .browsing=${this.open === "browser"} @browse=${this.toggleBrowser}></sg-directory>` : nothing}
      </div>
      <div id="hosts">${choosing && place.hosts!.length > 1 ? html`<sg-host-picker .desk=${this.desk} @picked=${this.picked} @closed=${this.closed}></sg-host-picker>` : nothing}</div>
      <div id="browser">${this.open === "browser" && place.host && session.may("browse") ? html`<sg-browser .desk=${this.desk} @closed=${this.closed}></sg-browser>` : nothing}</div>`;
  }

  /** known is the host with what uploads have met since it was asked. */
  private known(h: Host): Host {
    return this.desk.health.trouble?.host === h.id ? { ...h, state: "down", latency_ms: null } : h;
  }

  private toggleHosts(): void {
    this.open = this.open === "hosts" ? "" : "hosts";
    if (this.open) void this.focusOn("sg-host-picker input");
  }

  private toggleBrowser(): void {
    this.open = this.open === "browser" ? "" : "browser";
    if (this.open) void this.focusOn("sg-browser [aria-current]");
  }

  private picked(): void {
    this.open = "";
    void this.focusOn("#host-choice");
  }

  private closed(): void {
    const back = this.open === "browser" ? ".browse" : "#host-choice";
    this.open = "";
    void this.focusOn(back);
  }
}
