// What is looked for as it is loaded. The module also runs where there is no page: in its own
// worker (digest.ts) and in Node. The bundler puts these in place of the global names.
const scope = globalThis as Partial<typeof globalThis>;

export const document = scope.document ?? ({ createTreeWalker() {} } as unknown as Document);
export const HTMLElement = scope.HTMLElement ?? (class {} as unknown as typeof globalThis.HTMLElement);
