import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { bytes, exact, percent, shortMoment } from "../format.ts";
import { split } from "../paths.ts";
import { failure, inWords } from "../problem.ts";
import type { Upload } from "../wire.ts";
import { Part } from "./part.ts";

/** <sg-upload-row> is one unfinished upload, and what can be done about it. */
@customElement("sg-upload-row")
export class UploadRow extends Part {
  @property({ attribute: false }) upload!: Upload;
  @state() private confirming = false;
  @state() private busy = false;
  /** What did not work just now. */
  @state() private trouble = "";

  protected override stores() {
    return [this.desk.session, this.desk.place, this.desk.uploads];
  }

  private get mine(): boolean {
    return this.upload.user === this.desk.session.caller?.user;
  }

  protected override render() {
    const u = this.upload;
    const { dir, name } = split(u.path);
    return html`<div class="row" role="group" aria-label=${name}>
      <div class="head">
        <span class="path"><b><bdi>${name}</bdi></b> <span class="quiet">${this.t.to(this.desk.place.label(u.host), dir)}${this.mine ? nothing : html` · ${this.t.by(u.user)}`}</span></span>
        <span class="actions">${this.confirming ? this.confirm() : this.actions()}</span>
      </div>
      ${this.bar(u)}
      <p class="facts figures">${this.facts(u)}</p>
      ${u.error ? html`<p class="bad">${inWords(u.error)}</p>` : nothing}
      ${this.trouble ? html`<p class="bad" role="alert">${this.trouble}</p>` : nothing}
      <input class="hush" type="file" tabindex="-1" aria-hidden="true" @change=${this.picked}>
    </div>`;
  }

  private bar(u: Upload) {
    if (u.size === null) return nothing;
    const share = (n: number) => `width: ${u.size ? (100 * n) / u.size : 100}%`;
    return html`<div class="bar" role="progressbar" aria-label=${this.t.received(bytes(u.received_bytes), bytes(u.size), percent(u.received_bytes, u.size))}
      aria-valuemin="0" aria-valuemax="100" aria-valuenow=${u.size ? Math.floor((100 * u.received_bytes) / u.size) : 100}>
      <span class="sent" .style=${share(u.received_bytes)}></span><span class="merged" .style=${share(u.merged_bytes)}></span></div>`;
  }

  private facts(u: Upload) {
    const { uploads } = this.desk;
    const whole = u.size !== null && u.received_bytes >= u.size;
    const standing = u.state === "receiving" && whole ? "complete" : uploads.stands(u) ? "stands" : u.state;
    return html`<span class=${standing === "failed" || standing === "stands" ? "bad" : ""}>${this.t.state[standing]}</span>
      <span>${u.size === null ? this.t.receivedOnly(bytes(u.received_bytes)) : this.t.received(bytes(u.received_bytes), bytes(u.size), percent(u.received_bytes, u.size))}</span>
      ${u.size ? html`<span>${this.t.merged(percent(u.merged_bytes, u.size))}</span>` : nothing}
      ${u.expires_at ? html`<span>${this.t.expires(shortMoment(u.expires_at))}</span>` : nothing}`;
  }

  private actions() {
    const u = this.upload;
    const { session, uploads } = this.desk;
    const { name } = split(u.path);
    const label = (what: string) => `${what}: ${name}`;
    const whole = u.size !== null && u.received_bytes >= u.size;
    const pick = this.mine && session.may("upload") && ((u.state === "receiving" && !whole) || u.state === "failed");
    const merge = this.mine && session.may("upload") && uploads.canMerge(u);
    const end = this.mine ? session.may("cancel") : session.may("takeover") || session.may("cancel");
    return html`
      ${merge ? html`<button type="button" class="main" aria-label=${label(this.t.resumeMerge)} ?disabled=${this.busy} @click=${this.merge}>${this.t.resumeMerge}</button>` : nothing}
      ${pick ? html`<button type="button" class=${merge ? "" : "main"} aria-label=${label(this.t.pickAgain)} @click=${() => this.find("input")?.click()}>${this.t.pickAgain}</button>` : nothing}
      ${end ? html`<button type="button" class="end" aria-label=${label(this.endWord)} @click=${this.ask}>${this.endWord}</button>` : nothing}`;
  }

  private get endWord(): string {
    return this.mine ? this.t.cancel : this.t.takeOver;
  }

  private confirm() {
    return html`<span class="confirm" role="group" aria-labelledby="confirm-${this.upload.id}" @keydown=${(e: KeyboardEvent) => e.key === "Escape" && this.keep()}>
      <span id="confirm-${this.upload.id}">${this.mine ? this.t.confirmCancel : this.t.confirmTakeOver(this.upload.user)}</span>
      <button type="button" class="danger" ?disabled=${this.busy} @click=${this.end}>${this.t.yesDelete}</button>
      <button type="button" class="stay" @click=${this.keep}>${this.t.keep}</button>
    </span>`;
  }

  private ask(): void {
    this.confirming = true;
    void this.focusOn(".stay");
  }

  private keep(): void {
    this.confirming = false;
    void this.focusOn(".end");
  }

  private merge = () => this.attempt(async () => {
    await this.desk.uploads.merge(this.upload.id);
    this.desk.voice.say(this.t.mergeStarted(split(this.upload.path).name));
  });

  private end = () => this.attempt(async () => {
    await this.desk.uploads.end(this.upload, !this.mine && this.desk.session.may("takeover"));
    this.desk.voice.say(this.t.cancelled(split(this.upload.path).name));
    this.dispatchEvent(new CustomEvent("gone"));
  });

  /** attempt does something that may be refused, and shows why. */
  private async attempt(what: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.trouble = "";
    try {
      await what();
    } catch (e) {
      this.desk.session.refused(e);
      this.trouble = failure(e);
    }
    this.busy = false;
    this.confirming = false;
  }

  /** picked goes on with a file, if it can be the same one. */
  private picked(e: Event): void {
    const field = e.target as HTMLInputElement;
    const file = field.files?.[0];
    field.value = "";
    if (!file) return;
    const { size } = this.upload;
    this.trouble = size !== null && file.size !== size ? this.t.otherSize(exact(file.size), exact(size)) : "";
    if (!this.trouble) this.dispatchEvent(new CustomEvent("resume-file", { bubbles: true, detail: { file, upload: this.upload } }));
  }
}
