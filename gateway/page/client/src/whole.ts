import type { Api } from "./api.ts";
import { contentDigest } from "./digest.ts";
import { GateError } from "./errors.ts";
import { timeText, type UploadOptions } from "./options.ts";
import { send } from "./send.ts";
import type { UploadInfo } from "./wire.ts";

/** Files up to this size are sent in one request. It is safe to repeat: the gateway knows the file again. */
export const wholeLimit = 4 << 20;

/** Sends a small file in one request. */
export async function sendWhole(api: Api, path: string, o: UploadOptions, signal: AbortSignal, onProgress: (sent: number) => void): Promise<UploadInfo> {
  const query = new URLSearchParams();
  const set = (name: string, value: string | undefined) => { if (value) query.set(name, value); };
  set("if_exists", o.ifMatch ? "replace" : o.ifExists);
  set("make_dirs", o.makeDirs ? "1" : undefined);
  set("restart", o.restart ? "1" : undefined);
  set("mode", o.mode);
  set("mtime", timeText(o.mtime));
  const headers: Record<string, string> = {};
  if (o.ifMatch) headers["If-Match"] = o.ifMatch;
  if (o.checksum !== false || o.digest === "whole") headers["Content-Digest"] = await contentDigest(o.file);
  const place = path.replace(/^\//, "").split("/").map(encodeURIComponent).join("/");
  return send(api, {
    path: `v1/hosts/${encodeURIComponent(o.host)}/files/${place}?${query}`,
    headers, bytes: o.file, signal, publishes: true, onProgress,
  });
}

/** Whether chunks may pass where the whole file did not: an upload stands there that may be resumed, or a body was too much. */
export const chunksMayPass = (e: GateError): boolean =>
  ["too-large", "request-timeout", "stalled"].includes(e.code) || (e.code === "different-file" && !!e.upload) || e.status === 504;
