import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { language, type Tag } from "../language.ts";
import { en } from "../words/en.ts";
import { zh } from "../words/zh.ts";
import { Part } from "./part.ts";

const tags: [Tag, string][] = [["en", en.language], ["zh-CN", zh.language]];

/** <sg-bar> says who is signed in, and lets one choose the language. */
@customElement("sg-bar")
export class Bar extends Part {
  protected override stores() {
    return [this.desk.session];
  }

  protected override render() {
    const c = this.desk.session.caller;
    return html`
      ${c && this.desk.session.standing === "in"
        ? html`<span class="who" title=${this.t.signedIn(c.user)}><span class="hush">${this.t.signedIn("")}</span>${c.user}${c.admin ? html` <small>${this.t.admin}</small>` : nothing}</span>`
        : nothing}
      <div class="switch" role="group" aria-label=${this.t.chooseLanguage}>
        ${tags.map(([tag, name]) => html`<button type="button" lang=${tag} aria-pressed=${language.tag === tag}
          @click=${() => language.choose(tag)}>${name}</button>`)}
      </div>`;
  }
}
