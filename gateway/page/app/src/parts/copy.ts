import { html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Part } from "./part.ts";

/** <sg-copy> is a button that puts a text into the clipboard. */
@customElement("sg-copy")
export class Copy extends Part {
  @property() text = "";
  @property() label = "";
  /** What the text belongs to, for those who hear the label alone. */
  @property() of = "";
  @state() private done = false;

  protected override render() {
    return html`<button type="button" class="plain" aria-label=${`${this.label}: ${this.of}`} @click=${this.copy}
      ><span class="stack"><span class=${this.done ? "off" : ""}>${this.label}</span><span class=${this.done ? "" : "off"}>${this.t.copied}</span></span></button>`;
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.text);
    } catch {
      if (!byHand(this.text)) return this.desk.voice.say(this.t.copyFailed);
    }
    this.desk.voice.say(this.t.copied);
    this.done = true;
    setTimeout(() => (this.done = false), 1500);
  }
}

/** byHand copies on pages of plain HTTP, which have no clipboard. */
function byHand(text: string): boolean {
  const back = document.activeElement as HTMLElement | null;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "hush";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  back?.focus();
  return done;
}
