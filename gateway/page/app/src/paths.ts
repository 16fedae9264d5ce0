// Directories on a host, as they are typed.

/** Fault is what is wrong with a directory that was typed. */
export type Fault = "empty" | "relative" | "dots" | "reserved" | "outside";

/** tidy is dir without doubled and closing slashes. */
export function tidy(dir: string): string {
  const one = dir.trim().replace(/\/{2,}/g, "/");
  return one.length > 1 && one.endsWith("/") ? one.slice(0, -1) : one;
}

/** faultOf finds what keeps files from being sent to dir. Without roots any place is good. */
export function faultOf(dir: string, roots: readonly string[]): Fault | undefined {
  if (!dir) return "empty";
  if (!dir.startsWith("/")) return "relative";
  const parts = dir.split("/").slice(1);
  if (parts.some((p) => p === "." || p === "..")) return "dots";
  if (parts.some((p) => p.endsWith(".sftpgate"))) return "reserved";
  if (roots.length && !rootOf(dir, roots)) return "outside";
  return undefined;
}

/** rootOf is the narrowest of the roots that dir is in. */
export function rootOf(dir: string, roots: readonly string[]): string | undefined {
  return roots.filter((r) => isBelow(dir, r)).sort((a, b) => b.length - a.length)[0];
}

export function isBelow(dir: string, root: string): boolean {
  const r = tidy(root);
  return r === "/" || dir === r || dir.startsWith(r + "/");
}

export function join(dir: string, name: string): string {
  return dir === "/" ? `/${name}` : `${dir}/${name}`;
}

/** split cuts a path into its directory and its name. */
export function split(path: string): { dir: string; name: string } {
  const at = path.lastIndexOf("/");
  return { dir: path.slice(0, at) || "/", name: path.slice(at + 1) };
}

/** crumbs are the directories from the root down to dir. */
export function crumbs(dir: string, root: string): { dir: string; name: string }[] {
  const r = tidy(root);
  const list = [{ dir: r, name: r }];
  for (const name of dir.slice(r === "/" ? 1 : r.length + 1).split("/")) {
    if (name) list.push({ dir: join(list[list.length - 1]!.dir, name), name });
  }
  return list;
}
