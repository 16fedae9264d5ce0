// The module also runs where there is no page, in its own worker (digest.ts) and in Node, and
// must not fail there as it is loaded. The bundler puts this in place of the global name.
export const HTMLElement = globalThis.HTMLElement ?? (class {} as unknown as typeof globalThis.HTMLElement);
