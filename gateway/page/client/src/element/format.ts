const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A number of bytes for a person, as "1.5 GiB". */
export function formatBytes(n: number): string {
  let i = 0;
  for (; n >= 1023.95 && i < units.length - 1; i++) n /= 1024;
  return `${i ? n.toFixed(n < 99.95 ? 1 : 0) : Math.round(n)} ${units[i]}`;
}

/** Seconds for a person, as "0:42" or "1:05:00". */
export function formatTime(seconds: number): string {
  const s = Math.ceil(seconds);
  const two = (n: number) => String(n % 60).padStart(2, "0");
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes}:${two(s)}` : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(s)}`;
}

/** Whole percents, 100 only for all of it. */
export const percent = (part: number, all: number): number =>
  part >= all ? 100 : Math.min(99, Math.floor((part / all) * 100));

/** Bytes as an attribute has them: a number, or one with a unit as 8MiB. */
export function parseBytes(text: string | null | undefined): number | undefined {
  const [, n, unit = ""] = /^\s*([\d.]+)\s*([KMGTP]?)(?:i?B)?\s*$/i.exec(text ?? "") ?? [];
  return n ? Math.floor(Number(n) * 1024 ** " KMGTP".indexOf(unit.toUpperCase() || " ")) : undefined;
}

/** The SHA-256 of an upload's digest as sha256sum prints it. */
export function hexDigest(digest: string): string {
  const [, sum = ""] = /:(.*):/.exec(digest) ?? [];
  return [...atob(sum)].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}
