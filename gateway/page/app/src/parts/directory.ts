import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { faultOf, join, split, tidy } from "../paths.ts";
import { Part } from "./part.ts";

/** How many names are offered while somebody types. */
const most = 50;

/** <sg-directory> is the field for the directory: typed, completed from the host, or browsed. */
@customElement("sg-directory")
export class Directory extends Part {
  @property({ type: Boolean }) browsing = false;
  /** What is typed, while it is not the place's directory. */
  @state() private typed: string | undefined;
  @state() private offers: string[] = [];

  protected override stores() {
    return [this.desk.place, this.desk.listings];
  }

  protected override render() {
    const { place, session } = this.desk;
    const text = this.typed !== undefined && (!place.dir || place.dir === tidy(this.typed)) ? this.typed : place.dir;
    const fault = faultOf(tidy(text), place.roots);
    return html`<div class="field">
      <label for="directory">${this.t.directory}</label>
      <div class="with">
        <input id="directory" list="directory-offers" autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="done"
          .value=${text} aria-invalid=${fault !== undefined} aria-describedby="directory-hint"
          @input=${this.type} @focus=${() => void this.offer(text)} @blur=${this.leave} @keydown=${this.key}>
        <datalist id="directory-offers">${this.offers.map((o) => html`<option value=${o}></option>`)}</datalist>
        ${session.may("browse") ? html`<button type="button" class="browse" aria-expanded=${this.browsing} aria-controls="browser"
          @click=${() => this.dispatchEvent(new CustomEvent("browse"))}>${this.t.browse}</button>` : nothing}
      </div>
      <p class="hint ${fault ? "bad" : ""}" id="directory-hint" role=${fault ? "alert" : nothing}>${this.hint(fault)}</p>
    </div>`;
  }

  private hint(fault: ReturnType<typeof faultOf>): string {
    const { place, listings } = this.desk;
    if (fault === "outside") return this.t.fault.outside(place.roots.join(", "));
    if (fault) return this.t.fault[fault];
    return listings.missing(place.host!.id, place.dir, place.roots) ? this.t.willBeMade : this.t.directoryHint;
  }

  private type(e: Event): void {
    this.typed = (e.target as HTMLInputElement).value;
    this.desk.place.go(tidy(this.typed));
    void this.offer(this.typed);
  }

  private leave(): void {
    if (this.desk.place.dir) this.typed = undefined;
  }

  private key(e: KeyboardEvent): void {
    if (e.key === "Enter") this.leave();
  }

  /** offer completes what is typed with the directories that are there. */
  private async offer(text: string): Promise<void> {
    const { place, listings, session } = this.desk;
    if (!place.host || !session.may("browse") || !text.startsWith("/")) return;
    const { dir, name } = split(text);
    const parent = tidy(dir);
    if (faultOf(parent, place.roots)) {
      this.offers = place.roots;
      return;
    }
    await listings.walk(place.host.id, parent, place.roots);
    const entries = listings.at(place.host.id, parent)?.entries ?? [];
    this.offers = entries.filter((e) => e.type === "dir" && e.name.startsWith(name)).slice(0, most).map((e) => join(parent, e.name));
  }
}
