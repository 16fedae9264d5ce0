import type { ByteRange } from "./chunks.ts";
import type { UploadInfo } from "./wire.ts";

/** The codes of the gateway's refusals. */
export type GateCode =
  | "invalid-request" | "unauthenticated" | "forbidden" | "path-forbidden" | "permission-denied"
  | "unknown-host" | "unknown-upload" | "not-found" | "method-not-allowed" | "request-timeout"
  | "target-exists" | "different-file" | "chunk-conflict" | "incomplete" | "no-such-directory" | "not-a-file"
  | "changed-meanwhile" | "too-large" | "digest-mismatch" | "too-many" | "owned-by-another"
  | "host-refused" | "host-error" | "host-timeout" | "host-unreachable"
  | "registry-unavailable" | "shutting-down" | "still-finishing" | "no-space" | "quota" | "internal";

/**
 * What can go wrong before a gateway answers: nothing came back (`network`), nothing moved for
 * too long (`stalled`), something in between answered instead (`proxy`), the browser could not
 * read the file (`unreadable`), or the upload was given up (`cancelled`).
 */
export type LocalCode = "network" | "stalled" | "proxy" | "unreadable" | "cancelled";

/** A problem document (RFC 9457) as the gateway sends it. */
export interface Problem {
  title?: string;
  status?: number;
  detail?: string;
  code?: GateCode;
  retryable?: boolean;
  missing?: ByteRange[];
  size?: number;
  mtime?: string;
  etag?: string;
  upload?: UploadInfo;
}

/** Why a call or an upload failed. */
export class GateError extends Error {
  override readonly name = "GateError";

  constructor(
    readonly code: GateCode | LocalCode,
    /** For a person; from the gateway where it answered. */
    readonly detail = "",
    /** The HTTP status, 0 when there was no answer. */
    readonly status = 0,
    /** Whether the same request may succeed later. */
    readonly retryable = false,
    /** How long the gateway wants to be left alone, in seconds. */
    readonly retryAfter = 0,
    /** All of the gateway's answer: `missing`, or the file in the way with its `size`, `mtime` and `etag`. */
    readonly problem: Problem = {},
  ) {
    super(detail || code);
  }

  /** The byte ranges still to be sent (`incomplete`). */
  get missing(): ByteRange[] | undefined { return this.problem.missing; }
  /** Of the file in the way (`target-exists`, `changed-meanwhile`). */
  get size(): number | undefined { return this.problem.size; }
  /** Of the file in the way. */
  get mtime(): string | undefined { return this.problem.mtime; }
  /** Of the file in the way; `ifMatch` takes it. */
  get etag(): string | undefined { return this.problem.etag; }
  /** The caller's own upload that stands there (`different-file`). */
  get upload(): UploadInfo | undefined { return this.problem.upload; }

  /**
   * Whether waiting alone can help. No room on the host (507) is for a person to mend, although
   * the same request may succeed later.
   */
  get passing(): boolean {
    const s = this.status;
    return this.code === "network" || this.code === "stalled" || s === 408 || s === 425 || s === 429 ||
      (s >= 500 && s !== 507 && this.retryable);
  }

  /** The error of a request that got no answer. */
  static lost(code: "network" | "stalled", detail?: string): GateError {
    return new GateError(code, detail, 0, true);
  }

  /** The error in a problem that an upload carries. */
  static of(p: Problem): GateError {
    return new GateError(p.code ?? "internal", p.detail, p.status, p.retryable, 0, p);
  }

  /** The error in an answer that is no success. */
  static from(status: number, body: string, retryAfter: string | null): GateError {
    const wait = Number(retryAfter) || Math.max(0, (Date.parse(retryAfter ?? "") - Date.now()) / 1000) || 0;
    try {
      const p = JSON.parse(body) as Problem;
      if (p.code) return new GateError(p.code, p.detail, status, p.retryable, wait, p);
    } catch {
      // Not the gateway's words: a proxy answered in its place.
    }
    const codes: Record<number, GateCode> = { 401: "unauthenticated", 403: "forbidden", 413: "too-large", 429: "too-many" };
    return new GateError(codes[status] ?? "proxy", `HTTP ${status}`, status, status >= 500, wait);
  }
}
