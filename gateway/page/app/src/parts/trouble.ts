import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { clock } from "../format.ts";
import { reasonOf } from "../problem.ts";
import { Part } from "./part.ts";

/** <sg-trouble> says what is wrong with the host or the gateway, and what happens next. */
@customElement("sg-trouble")
export class TroubleBanner extends Part {
  protected override stores() {
    return [this.desk.health, this.desk.uploads, this.desk.place, this.desk.session];
  }

  protected override render() {
    const { health, uploads, session } = this.desk;
    const away = uploads.away && session.standing === "in";
    return html`<div role="alert" aria-atomic="false">
      ${away ? html`<section class="banner"><strong>${this.t.awayTitle}</strong><p>${this.t.away}</p></section>` : nothing}
      ${health.trouble && session.standing === "in" ? this.host() : nothing}
    </div>`;
  }

  private host() {
    const { health, place } = this.desk;
    const { host, reason, refused, asked } = health.trouble!;
    return html`<section class="banner">
      <strong>${refused ? this.t.troubleRefused(place.label(host)) : this.t.trouble(place.label(host))}</strong>
      ${reason ? html`<p class="said">${reasonOf(host, reason)}</p>` : nothing}
      <p>${refused ? this.t.troubleMend : this.t.troubleNext} <span class="figures" aria-live="off">${this.t.lastAsked(clock(asked))}</span></p>
      <button type="button" @click=${() => void health.check()}>${place.asking ? this.t.asking : this.t.askAgain}</button>
    </section>`;
  }
}
