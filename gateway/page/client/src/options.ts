import type { Api, ApiOptions } from "./api.ts";

/** What an upload sends, and where to. */
export interface UploadOptions extends ApiOptions {
  /** Instead of an endpoint: the same for several uploads, which then fetch one ticket together. */
  api?: Api;
  file: Blob | File;
  /** The id of a host. */
  host: string;
  /** The file's absolute path there; else `dir` and `name`. */
  path?: string;
  /** An absolute directory. */
  dir?: string;
  /** The file's name in `dir`, which may hold directories of its own; by default that of the file. */
  name?: string;
  /** Bytes in a chunk, 8 MiB by default. An upload that is resumed keeps its own. */
  chunkSize?: number;
  /** Chunks at once, 3 by default. */
  concurrency?: number;
  /** What becomes of a file that stands there: by default it stays, and the upload fails with `target-exists`. */
  ifExists?: "fail" | "replace";
  /** The etag of the one file that may be replaced. */
  ifMatch?: string;
  /** Gives up the caller's own unfinished upload of another file at this path. */
  restart?: boolean;
  /** Makes missing directories. */
  makeDirs?: boolean;
  /** Permission bits in octal. */
  mode?: string;
  /** The file's time on the host; by default that of its arrival. */
  mtime?: Date | string;
  /** Whether every body goes with its SHA-256, which the gateway checks; true by default. */
  checksum?: boolean;
  /**
   * What the gateway checks besides: the `chunks` alone (the default), or the `whole` file on the host
   * against its SHA-256. For that the file is read once more, from its first byte, while it is sent.
   */
  digest?: "chunks" | "whole";
  /** For how long an error that may pass is waited out without any progress, in milliseconds; an hour by default. */
  giveUpAfter?: number;
}

/** Where an upload goes. */
export function targetOf({ path, dir, name, file }: UploadOptions): string {
  if (path) return path;
  const last = name ?? (file as Partial<File>).name;
  if (!dir || !last) throw new TypeError("an upload needs a path, or a dir and a name");
  return `${dir.replace(/\/+$/, "")}/${last.replace(/^\/+/, "")}`;
}

/** The file's time as the API has it. */
export const timeText = (t: Date | string | undefined): string | undefined =>
  t === undefined ? undefined : (t instanceof Date ? t : new Date(t)).toISOString();
