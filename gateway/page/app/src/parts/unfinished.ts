import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Part } from "./part.ts";
import "./upload-row.ts";

/** <sg-unfinished> lists the uploads that wait for somebody. */
@customElement("sg-unfinished")
export class Unfinished extends Part {
  protected override stores() {
    return [this.desk.uploads];
  }

  protected override render() {
    const list = this.desk.uploads.unfinished;
    if (!list.length) return nothing;
    return html`<section class="card" aria-labelledby="unfinished">
      <h2 id="unfinished" tabindex="-1">${this.t.unfinished} <small>${this.t.unfinishedHint}</small></h2>
      <ul class="rows">${repeat(list, (u) => u.id, (u) => html`<li>
        <sg-upload-row .desk=${this.desk} .upload=${u} @gone=${this.gone}></sg-upload-row></li>`)}</ul>
    </section>`;
  }

  /** gone keeps the focus where the row was. */
  private gone(): void {
    void this.updateComplete.then(() => this.find("#unfinished")?.focus());
  }
}
