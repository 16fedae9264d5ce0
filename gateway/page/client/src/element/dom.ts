// Elements written as JSX and brought up to date in place. Lit does the same with more comfort,
// and would be a sixth of all that the module may weigh.

type Props = Record<string, unknown>;
type Text = string | number | boolean | null | undefined;

/** An element as it should be. */
export interface Shown { tag: string; props: Props; children: Child[] }

/** What is in an element. What is nothing still takes its place, so that what follows it stays the same element. */
export type Child = Shown | Text | Child[];

/** Makes what JSX says. A text is a text, whatever stands in it. */
export const h = (tag: string, props: Props | null, ...children: Child[]): Shown => ({ tag, props: props ?? {}, children });

export declare namespace h {
  namespace JSX {
    type Element = Shown;
    interface IntrinsicElements { [tag: string]: Props }
  }
}

const known = new WeakMap<Node, Props>();

/** Makes the content of an element what is given, and touches only what differs. */
export function patch(parent: Node, children: Child[]): void {
  const wanted = children.flat(9) as (Shown | Text)[];
  wanted.forEach((child, i) => {
    const old = parent.childNodes[i];
    const now = child && typeof child === "object" ? element(child, old) : text(child, old);
    if (!old) parent.appendChild(now);
    else if (now !== old) parent.replaceChild(now, old);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild!.remove();
}

function text(child: Text, old?: Node): Node {
  const data = typeof child === "boolean" ? "" : String(child ?? "");
  if (old?.nodeType !== 3) return document.createTextNode(data);
  if ((old as CharacterData).data !== data) (old as CharacterData).data = data;
  return old;
}

function element({ tag, props, children }: Shown, old?: Node): Node {
  const el = (old as Element | undefined)?.localName === tag ? old as HTMLElement : make(tag);
  const before = known.get(el) ?? {};
  known.set(el, props);
  for (const name in { ...before, ...props }) if (before[name] !== props[name]) change(el, name, props[name]);
  // A list's rows come and go by themselves.
  if (tag !== "ul") patch(el, children);
  return el;
}

const make = (tag: string): HTMLElement =>
  (tag === "svg" || tag === "path" ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag)) as HTMLElement;

function change(el: HTMLElement, name: string, value: unknown): void {
  // A style set like this is no inline style, which a Content-Security-Policy may forbid.
  if (name === "style") el.style.cssText = String(value ?? "");
  else if (/^on|^selected$/.test(name)) (el as unknown as Props)[name] = value;
  else if (value == null || value === false) el.removeAttribute(name);
  else el.setAttribute(name, value === true ? "" : String(value));
}
