/** The element's attributes that hold text, by the names of their properties. */
export const attributes = {
  endpoint: "endpoint", host: "host", hosts: "hosts", dir: "dir", ticketUrl: "ticket-url",
  overwrite: "overwrite", chunkSize: "chunk-size", concurrency: "concurrency", maxSize: "max-size", digest: "digest",
};

const names = Object.entries(attributes);

/** Gives a class properties that read and write the attributes; "" is one that is not there. */
export function reflect(element: CustomElementConstructor): void {
  for (const [name, attribute] of names) {
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
  for (const [name] of names) {
    if (!Object.hasOwn(element, name)) continue;
    const value = all[name];
    delete all[name];
    all[name] = value;
  }
}
