import type { Overwrite } from "./conflicts.ts";

/** The element's properties that are kept as attributes, with text in them. */
const names = ["endpoint", "host", "hosts", "dir", "ticketUrl", "overwrite", "chunkSize", "concurrency", "maxSize", "digest"];

const attributeOf = (name: string): string => name.replace(/[A-Z]/, (c) => `-${c.toLowerCase()}`);

/** Their attributes. */
export const attributes = names.map(attributeOf);

/** An element with properties that read and write its attributes; "" is one that is not there. */
export class Attributed extends HTMLElement {
  /** The gateway's base URL; by default the directory above this module's own. */
  declare endpoint: string;
  /** The id of the host. */
  declare host: string;
  /** Ids of hosts to choose from, separated by commas. */
  declare hosts: string;
  /** The directory on the host. */
  declare dir: string;
  /** Answers a GET, with cookies, with a fresh ticket: as text, or as `{"ticket": …}`. */
  declare ticketUrl: string;
  /** What becomes of files that stand there: ask (the default), fail, replace or skip. */
  declare overwrite: Overwrite | "";
  /** Bytes in a chunk, as 8MiB. */
  declare chunkSize: string;
  /** Files at once, 3 by default. */
  declare concurrency: string;
  /** Larger files are rejected, as 5GiB. */
  declare maxSize: string;
  /** What the gateway checks: each of the chunks (the default), or besides the whole file. */
  declare digest: "chunks" | "whole" | "";

  get disabled(): boolean { return this.hasAttribute("disabled"); }
  set disabled(off: boolean) { this.toggleAttribute("disabled", off); }

  /** Whether nothing can be given up, as the ticket does not allow it; a row is then only taken away. */
  get noCancel(): boolean { return this.hasAttribute("no-cancel"); }
  set noCancel(not: boolean) { this.toggleAttribute("no-cancel", not); }
}

for (const name of names) {
  const attribute = attributeOf(name);
  Object.defineProperty(Attributed.prototype, name, {
    get(this: Element) { return this.getAttribute(attribute) ?? ""; },
    set(this: Element, value: string | null) {
      if (value == null) this.removeAttribute(attribute);
      else this.setAttribute(attribute, value);
    },
  });
}

/** Gives an element what was set on it before it was defined, and hides the properties since. */
export function adopt(element: HTMLElement): void {
  const all = element as unknown as Record<string, unknown>;
  for (const name of [...names, "ticket"]) {
    if (!Object.hasOwn(element, name)) continue;
    const value = all[name];
    delete all[name];
    all[name] = value;
  }
}
