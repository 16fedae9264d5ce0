import { html } from "lit";
import { customElement } from "lit/decorators.js";
import { Part } from "./part.ts";

/** <sg-voice> is the live region that screen readers read out. */
@customElement("sg-voice")
export class VoiceRegion extends Part {
  protected override stores() {
    return [this.desk.voice];
  }

  protected override render() {
    return html`<div class="hush" role="status" aria-live="polite">${this.desk.voice.text}</div>`;
  }
}
