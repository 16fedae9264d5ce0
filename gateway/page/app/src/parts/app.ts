import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { sentence } from "../problem.ts";
import "./destination.ts";
import "./finished.ts";
import { Part } from "./part.ts";
import "./send.ts";
import "./ticket-form.ts";
import "./trouble.ts";
import "./unfinished.ts";
import "./voice.ts";

/** <sg-app> is the page: who may come in, and what there is to do. */
@customElement("sg-app")
export class App extends Part {
  /**
   * Whether somebody has been in, and it is known where files can go: until then nothing is shown that
   * would move. What runs here is kept from then on, whatever becomes of the ticket.
   */
  private entered = false;

  protected override stores() {
    return [this.desk.session, this.desk.place];
  }

  protected override render() {
    const { session, place } = this.desk;
    this.entered ||= session.standing === "in" && Boolean(place.hosts ?? place.problem);
    document.title = this.t.title;
    return html`
      ${session.standing === "in" && this.entered ? nothing : this.door()}
      ${this.entered ? this.inside() : nothing}
      <sg-voice .desk=${this.desk}></sg-voice>`;
  }

  protected override updated(): void {
    if (!this.waiting) document.body.dataset.settled = "";
  }

  /** Whether it is not known yet what is to be shown. */
  private get waiting(): boolean {
    const { standing } = this.desk.session;
    return standing === "asking" || (standing === "in" && !this.entered);
  }

  /** door is what stands before the page. */
  private door() {
    const { session } = this.desk;
    if (this.waiting) return html`<p class="quiet waiting" role="status">${this.t.starting}</p>`;
    if (session.standing === "away") {
      return html`<section class="card notice" role="alert">
        <h2>${this.t.awayTitle}</h2>
        <p>${this.t.away}</p>
        ${session.problem ? html`<p class="quiet">${this.t.gatewaySays(sentence(session.problem.detail))}</p>` : nothing}
        <button type="button" @click=${() => void session.ask()}>${this.t.retryNow}</button>
      </section>`;
    }
    return html`<sg-ticket-form .desk=${this.desk}></sg-ticket-form>`;
  }

  private inside() {
    const { session, place } = this.desk;
    const shut = session.standing !== "in" && session.standing !== "away";
    return html`
      ${shut ? nothing : html`<h1 class="hush">${this.t.send}</h1>`}
      ${this.desk.demo && !shut ? html`<p class="quiet demo">${this.t.demo}</p>` : nothing}
      <sg-trouble .desk=${this.desk}></sg-trouble>
      ${shut || place.fixed ? nothing : html`<sg-destination .desk=${this.desk}></sg-destination>`}
      <sg-send .desk=${this.desk} .shut=${shut}></sg-send>
      ${shut ? nothing : html`
        <sg-unfinished .desk=${this.desk}></sg-unfinished>
        <sg-finished .desk=${this.desk}></sg-finished>`}`;
  }
}
