import { html, type TemplateResult } from "lit-html";
import { formatBytes } from "./format.ts";
import type { Item } from "./item.ts";
import type { Choice } from "./queue.ts";
import type { Texts } from "./texts.ts";

/** The dialog that asks what becomes of the file in the way of an item. */
export function conflictDialog(item: Item | undefined, t: Texts, decide: (choice: Choice, forAll: boolean) => void): TemplateResult {
  const date = (time: string | number | undefined) =>
    time === undefined ? "" : new Date(time).toLocaleString(t.tag, { dateStyle: "medium", timeStyle: "medium" });
  const side = (label: string, size: number | undefined, time: string | number | undefined) => html`
    <tr><th scope="row">${label}</th><td class="num">${size === undefined ? "" : formatBytes(size)}</td><td class="num">${date(time)}</td></tr>`;
  const choose = (choice: Choice) => (e: Event) => {
    const box = (e.currentTarget as HTMLElement).closest("dialog")!.querySelector("input")!;
    decide(choice, box.checked);
  };
  return html`
    <dialog part="dialog" aria-labelledby="exists" @cancel=${(e: Event) => { e.preventDefault(); decide("cancel", false); }}>
      ${item ? html`
        <h2 id="exists">${t.exists}</h2>
        <p class="path"><bdi>${t.existsOn(item.path, item.host)}</bdi></p>
        <table><tbody>
          ${side(t.onHost, item.error?.size, item.error?.mtime)}
          ${side(t.yours, item.size, item.file.lastModified)}
        </tbody></table>
        <label class="all"><input type="checkbox"> ${t.forAll}</label>
        <div class="choices">
          <button type="button" part="button button-primary" class="primary" @click=${choose("replace")}>${t.replace}</button>
          <button type="button" part="button" @click=${choose("skip")}>${t.skip}</button>
          <button type="button" part="button" @click=${choose("cancel")}>${t.cancel}</button>
        </div>` : ""}
    </dialog>`;
}
