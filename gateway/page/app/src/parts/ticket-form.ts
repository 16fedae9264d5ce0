import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { inWords } from "../problem.ts";
import { Part } from "./part.ts";

/** <sg-ticket-form> says why nobody comes in, where a ticket comes from, and takes one. */
@customElement("sg-ticket-form")
export class TicketForm extends Part {
  protected override stores() {
    return [this.desk.session];
  }

  protected override render() {
    const { session, ticket } = this.desk;
    const [title, why] = this.words();
    return html`<section class="card door" aria-labelledby="door-title">
      <h1 id="door-title" tabindex="-1">${title}</h1>
      <p>${why}</p>
      ${session.problem && session.standing === "refused" ? html`<p role="alert" class="bad">${inWords(session.problem)}</p>` : nothing}
      ${session.auth === "jwt"
        ? html`
          ${ticket.embedded ? html`<p class="quiet">${this.t.ticketWaiting}</p>` : nothing}
          <form @submit=${this.use}>
            <label for="ticket">${this.t.ticketLabel}</label>
            <textarea id="ticket" rows="3" required spellcheck="false" autocomplete="off" autocapitalize="off" aria-describedby="ticket-hint"></textarea>
            <p class="quiet" id="ticket-hint">${this.t.ticketMemory}</p>
            <button type="submit" class="main">${this.t.ticketUse}</button>
          </form>`
        : html`<button type="button" class="main" @click=${() => void session.ask()}>${this.t.retryNow}</button>`}
    </section>`;
  }

  private words(): [string, string] {
    const { session } = this.desk;
    if (session.auth !== "jwt") return [this.t.userRefused, this.t.userRefusedWhy];
    if (session.standing === "expired") return [this.t.ticketExpired, this.t.ticketExpiredWhy];
    if (session.standing === "refused") return [this.t.ticketRefused, this.t.ticketRefusedWhy];
    return [this.t.ticketTitle, this.t.ticketWhy];
  }

  protected override firstUpdated(): void {
    // Who was at work is told that this has come up; who has just opened the page need not be moved.
    if (this.desk.session.caller) this.find("h1")?.focus();
  }

  private use(e: Event): void {
    e.preventDefault();
    const field = this.find<HTMLTextAreaElement>("textarea")!;
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    this.desk.ticket.set(text);
  }
}
