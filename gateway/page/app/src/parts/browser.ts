import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { bytes, stamp } from "../format.ts";
import { crumbs, join, rootOf } from "../paths.ts";
import { failure } from "../problem.ts";
import type { Entry } from "../wire.ts";
import { Part } from "./part.ts";

/** How many entries are shown at once. */
const step = 300;
/** From so many on there is a field to filter by. */
const many = 15;

/** <sg-browser> walks through the host's directories. The one it shows is the one that files go to. */
@customElement("sg-browser")
export class Browser extends Part {
  @state() private word = "";
  @state() private most = step;
  /** The directory shown: the place's, or the last one while what is typed is none. */
  private at = "";
  private host = "";

  protected override stores() {
    return [this.desk.place, this.desk.listings];
  }

  protected override willUpdate(): void {
    const { place, listings } = this.desk;
    if (!place.host) return;
    // Where what is typed is no directory yet, it begins at the first one that files may go to.
    const at = place.dir || (this.at && this.host === place.host.id ? this.at : place.roots[0] ?? "");
    if (!at || (this.at === at && this.host === place.host.id)) return;
    this.at = at;
    this.host = place.host.id;
    this.word = "";
    this.most = step;
    void listings.walk(place.host.id, this.at, place.roots);
  }

  protected override render() {
    const { place, listings } = this.desk;
    if (!place.host || !this.at) return nothing;
    const l = listings.at(place.host.id, this.at);
    return html`<section class="panel" aria-label=${this.t.browser} aria-busy=${l?.reading ?? true} @keydown=${this.key}>
      <div class="line">
        ${this.path()}
        ${(l?.entries?.length ?? 0) > many ? html`<input class="filter" type="search" placeholder=${this.t.filter} aria-label=${this.t.filter}
          .value=${this.word} @input=${(e: Event) => (this.word = (e.target as HTMLInputElement).value)}>` : nothing}
        <button type="button" class="plain" @click=${() => this.dispatchEvent(new CustomEvent("closed"))}>${this.t.closeBrowser}</button>
      </div>
      ${listings.missing(place.host.id, this.at, place.roots)
        ? html`<p class="note" role="status">${this.t.willBeMade}</p>`
        : l?.problem ? html`<p class="note bad" role="status">${failure(l.problem)}</p>`
        : l?.entries ? this.table(l.entries) : html`<p class="note quiet" role="status">${this.t.reading}</p>`}
    </section>`;
  }

  private path() {
    const { place } = this.desk;
    const root = rootOf(this.at, place.roots) ?? this.at;
    const others = place.roots.filter((r) => r !== root);
    const list = crumbs(this.at, root);
    return html`<nav aria-label=${this.t.path}><ol class="crumbs">
      ${list.map((c, i) => html`<li>${i === list.length - 1
        ? html`<span aria-current="location" tabindex="-1">${c.name}</span>`
        : html`<button type="button" class="link" @click=${() => this.go(c.dir)}>${c.name}</button>`}</li>`)}
      ${others.map((r) => html`<li class="other"><button type="button" class="link" @click=${() => this.go(r)}>${r}</button></li>`)}
    </ol></nav>`;
  }

  private table(entries: Entry[]) {
    const word = this.word.toLowerCase();
    const found = word ? entries.filter((e) => e.name.toLowerCase().includes(word)) : entries;
    if (!found.length) return html`<p class="note quiet" role="status">${entries.length ? this.t.nothingMatches : this.t.emptyDirectory}</p>`;
    const shown = found.slice(0, this.most);
    const left = Math.min(step, found.length - shown.length);
    return html`<div class="scroll" tabindex="-1"><table class="figures">
        <thead><tr><th scope="col">${this.t.name}</th><th scope="col" class="num">${this.t.size}</th><th scope="col" class="when">${this.t.modified}</th></tr></thead>
        <tbody>${shown.map((e) => this.row(e))}</tbody>
      </table>
      ${left > 0 ? html`<button type="button" class="plain more" @click=${() => (this.most += step)}>${this.t.showMore(left, found.length)}</button>` : nothing}
      </div>
      <p class="quiet count" role="status">${this.t.entries(found.length)}</p>`;
  }

  private row(e: Entry) {
    const kind = { dir: this.t.folder, symlink: this.t.link, other: this.t.special, file: "" }[e.type];
    return html`<tr class=${e.type}>
      <th scope="row">${e.type === "dir"
        ? html`<button type="button" class="folder" @click=${() => this.go(join(this.at, e.name))}>${e.name}</button>`
        : html`<span>${e.name}</span>`}</th>
      <td class="num">${e.type === "file" ? bytes(e.size) : kind}</td>
      <td class="when">${stamp(e.mtime)}</td>
    </tr>`;
  }

  private go(dir: string): void {
    this.desk.place.go(dir);
    // The button that was pressed is gone with its directory.
    void this.focusOn("[aria-current]");
  }

  /** Arrows go from folder to folder; Escape closes. */
  private key(e: KeyboardEvent): void {
    if (e.key === "Escape" && !(e.target as HTMLInputElement).value) {
      this.dispatchEvent(new CustomEvent("closed"));
    } else if (e.key === "Backspace" && !(e.target instanceof HTMLInputElement)) {
      const up = this.querySelectorAll<HTMLElement>(".crumbs .link");
      const last = [...up].filter((b) => !b.closest(".other")).pop();
      last?.click();
    } else if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      const folders = [...this.querySelectorAll<HTMLElement>(".folder")];
      const at = folders.indexOf(document.activeElement as HTMLElement);
      folders[e.key === "ArrowDown" ? at + 1 : Math.max(0, at - 1)]?.focus();
    } else {
      return;
    }
    e.preventDefault();
  }
}
