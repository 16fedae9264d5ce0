import { h, type Shown } from "./dom.ts";
import type { Texts } from "./texts.ts";

/** What the drop zone shows, and whom it tells. */
export interface DropContext {
  t: Texts;
  disabled: boolean;
  /** The hosts to choose from, and the one that is chosen. */
  hosts: string[];
  host: string;
  dir: string;
  choose(host: string): void;
  add(files: File[] | DataTransfer): void;
}

/** Where files are dropped, or chosen by the buttons, which do the same for the keyboard. */
export function dropZone({ t, disabled, hosts, host, dir, choose, add }: DropContext): Shown {
  const mark = (e: DragEvent, over: boolean) => (e.currentTarget as HTMLElement).classList.toggle("over", over);
  const over = (e: DragEvent) => {
    if (disabled || !e.dataTransfer?.types.includes("Files")) return;
    e.preventDefault();
    mark(e, true);
  };
  const leave = (e: DragEvent) => {
    if (!(e.currentTarget as Node).contains(e.relatedTarget as Node | null)) mark(e, false);
  };
  const drop = (e: DragEvent) => {
    e.preventDefault();
    mark(e, false);
    if (!disabled && e.dataTransfer) add(e.dataTransfer);
  };
  const picked = (e: Event) => {
    const input = e.target as HTMLInputElement;
    add([...input.files!]);
    input.value = ""; // the same file can be picked again
  };
  const open = (e: Event) => ((e.currentTarget as Element).nextElementSibling as HTMLInputElement).click();
  return (
    <div class="drop" part="drop-zone" ondragover={over} ondragleave={leave} ondrop={drop}>
      <div class="pick">
        {t.drop}
        <button type="button" class="primary" part="button button-primary" disabled={disabled} onclick={open}>{t.chooseFiles}</button>
        <input id="files" type="file" multiple hidden onchange={picked} />
        <button type="button" part="button" disabled={disabled} onclick={open}>{t.chooseFolder}</button>
        <input id="folder" type="file" webkitdirectory hidden onchange={picked} />
      </div>
      {hosts.length > 1 && (
        <label class="pick">
          {t.host}
          <select part="select" disabled={disabled} onchange={(e: Event) => choose((e.target as HTMLSelectElement).value)}>
            {hosts.map((id) => <option selected={id === host}>{id}</option>)}
          </select>
        </label>
      )}
      {host && dir && <div class="soft" part="target"><bdi>{t.to(`${host}:${dir}`)}</bdi></div>}
    </div>
  );
}
