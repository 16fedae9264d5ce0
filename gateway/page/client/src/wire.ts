import type { ByteRange } from "./chunks.ts";
import type { Problem } from "./errors.ts";

/** How an upload stands on the gateway. */
export type UploadStage = "receiving" | "merging" | "verifying" | "publishing" | "done" | "failed" | "cancelled";

/** An upload as the gateway describes it. */
export interface UploadInfo {
  id: string;
  host: string;
  /** Absolute, with the links in its directory resolved. */
  path: string;
  user: string;
  size: number | null;
  chunk_size: number | null;
  state: UploadStage;
  /** What is safe on the host; left out in answers to chunks, in lists and in events. */
  received?: ByteRange[];
  received_bytes: number;
  merged_bytes: number;
  engine: string;
  digest: string | null;
  /** What was checked: the whole file, or each chunk on arrival. */
  verified: "sha-256" | "spans" | "";
  error?: Problem;
  notes?: string[];
  token?: string;
  created_at: string;
  expires_at?: string;
}

/** A host as the gateway describes it. */
export interface HostInfo {
  id: string;
  label: string;
  tags: string[];
  roots: string[];
  state: "up" | "down" | "unknown";
  reason?: string;
  engine: string;
  durability: "full" | "degraded" | "";
  free_bytes: number | null;
  latency_ms: number | null;
}

/** An entry of a directory on a host. */
export interface Entry {
  name: string;
  type: "file" | "dir" | "symlink" | "other";
  size: number;
  mtime: string;
}

/** Who the caller is, and what the ticket allows. */
export interface Me {
  user: string;
  admin: boolean;
  expires_at?: string;
  hosts?: string[];
  paths?: string[];
  operations?: string[];
  max_size?: number;
}

/** What an upload is opened with. */
export interface OpenRequest {
  host: string;
  path: string;
  size?: number;
  chunk_size?: number;
  fingerprint?: string;
  if_exists?: "fail" | "replace";
  if_match?: string;
  restart?: boolean;
  mode?: string;
  mtime?: string;
  make_dirs?: boolean;
}
