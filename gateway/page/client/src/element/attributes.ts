/** The element's properties that are kept as attributes, with text in them. */
const names = ["endpoint", "host", "hosts", "dir", "ticketUrl", "overwrite", "chunkSize", "concurrency", "maxSize", "digest"];

const attributeOf = (name: string): string => name.replace(/[A-Z]/, (c) => `-${c.toLowerCase()}`);

/** Their attributes. */
export const attributes = names.map(attributeOf);

/** Gives a class properties that read and write the attributes; "" is one that is not there. */
export function reflect(element: CustomElementConstructor): void {
  for (const name of names) {
    const attribute = attributeOf(name);
    Object.defineProperty(element.prototype, name, {
      get(this: Element) { return this.getAttribute(attribute) ?? ""; },
      set(this: Element, value: string | null) {
        if (value == null) this.removeAttribute(attribute);
        else this.setAttribute(attribute, value);
      },
    });
  }
}

/** Gives an element what was set on it before it was defined, and hides the properties since. */
export function adopt(element: HTMLElement): void {
  const all = element as unknown as Record<string, unknown>;
  for (const name of names) {
    if (!Object.hasOwn(element, name)) continue;
    const value = all[name];
    delete all[name];
    all[name] = value;
  }
}
