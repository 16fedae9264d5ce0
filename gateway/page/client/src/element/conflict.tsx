import { h, type Shown } from "./dom.ts";
import { formatBytes } from "./format.ts";
import type { Item } from "./item.ts";
import type { Choice } from "./conflicts.ts";
import type { Texts } from "./texts.ts";

/** The dialog that asks what becomes of the file in the way of an item. */
export function conflictDialog(item: Item | undefined, t: Texts, noCancel: boolean, decide: (choice: Choice, forAll: boolean) => void): Shown {
  const side = (label: string, size?: number, time?: string | number) => (
    <tr>
      <th scope="row">{label}</th>
      <td class="num">{size !== undefined && formatBytes(size)}</td>
      <td>{time && new Date(time).toLocaleString(t.tag, { dateStyle: "medium", timeStyle: "medium" })}</td>
    </tr>
  );
  // The second click of two was not meant for the file that is shown by then.
  const button = (choice: Choice, look?: string) => (
    <button type="button" class={look} part={look ? "button button-primary" : "button"} autofocus={choice === "skip"}
      onclick={(e: MouseEvent) => e.detail > 1 || decide(choice, (e.target as Element).closest("dialog")!.querySelector("input")!.checked)}>{t[choice]}</button>
  );
  return (
    <dialog part="dialog" aria-labelledby="exists" oncancel={(e: Event) => { e.preventDefault(); decide("later", false); }}>
      {item && [
        <h2 id="exists">{t.exists}</h2>,
        <p class="soft"><bdi>{item.host}:{item.path}</bdi></p>,
        !noCancel && item.sentBytes > 0 && <p>{t.deletes(formatBytes(item.sentBytes))}</p>,
        <table>
          {side(t.onHost, item.error?.size, item.error?.mtime)}
          {side(t.yours, item.size, item.file.lastModified)}
        </table>,
        <label><input type="checkbox" /> {t.forAll}</label>,
        <div class="buttons">{button("replace", "primary")}{button("skip")}{button("later")}{!noCancel && button("cancel")}</div>,
      ]}
    </dialog>
  );
}

/** Opens the dialog for an item, anew for each one so that it is read out; closes it when there is none. */
export function ask(dialog: HTMLDialogElement, item: Item | undefined): void {
  dialog.close();
  if (!item) return;
  dialog.querySelector("input")!.checked = false;
  dialog.showModal();
}
