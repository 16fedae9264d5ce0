import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { bytes, stamp } from "../format.ts";
import { split } from "../paths.ts";
import { sentence } from "../problem.ts";
import type { Upload } from "../wire.ts";
import "./copy.ts";
import { Part } from "./part.ts";

const few = 5;

/** <sg-finished> lists what has arrived within the last day. */
@customElement("sg-finished")
export class Finished extends Part {
  @state() private all = false;

  protected override stores() {
    return [this.desk.uploads, this.desk.place];
  }

  protected override render() {
    const done = this.desk.uploads.finished;
    if (!done.length) return nothing;
    return html`<section class="card" aria-labelledby="finished">
      <h2 id="finished">${this.t.finished}</h2>
      <ul class="rows">${(this.all ? done : done.slice(0, few)).map((u) => this.row(u))}</ul>
      ${done.length > few && !this.all ? html`<button type="button" class="plain more" @click=${() => (this.all = true)}>${this.t.showAll(done.length)}</button>` : nothing}
    </section>`;
  }

  private row(u: Upload) {
    const { name } = split(u.path);
    return html`<li class="row">
      <div class="head">
        <span class="path"><bdi>${u.path}</bdi></span>
        <span class="actions">
          <sg-copy .desk=${this.desk} .text=${u.path} .label=${this.t.copyPath} .of=${name}></sg-copy>
          ${u.digest ? html`<sg-copy .desk=${this.desk} .text=${hex(u.digest)} .label=${this.t.copyDigest} .of=${name}></sg-copy>` : nothing}
        </span>
      </div>
      <p class="facts figures">
        <span>${this.desk.place.label(u.host)}</span>
        ${u.size === null ? nothing : html`<span>${bytes(u.size)}</span>`}
        <span>${this.t.began(stamp(u.created_at))}</span>
        <span class="good">${this.t.verified[u.verified]}</span>
      </p>
      ${u.digest ? html`<p class="digest">SHA-256 ${hex(u.digest)}</p>` : nothing}
      ${(u.notes ?? []).map((n) => html`<p class="warn">${sentence(n)}</p>`)}
    </li>`;
  }
}

/** hex writes a digest as sha256sum does; one it cannot read stays as it is. */
export function hex(digest: string): string {
  const base64 = /^sha-256=:(.*):$/.exec(digest)?.[1];
  if (!base64) return digest;
  try {
    return [...atob(base64)].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  } catch {
    return digest;
  }
}
