import type { GateError } from "../errors.ts";
import type { UploadInfo } from "../wire.ts";
import type { Item } from "./item.ts";
import type { Choice } from "./conflicts.ts";

/** What events of an item hold. */
export interface ItemDetail { item: Item; file: File }

/** Why a file was not added. */
export type Rejection = "junk" | "no-target" | "too-large" | "duplicate";

/** The events of the element. They bubble, leave its shadow tree and can be cancelled. */
export interface SftpgateUploadEvents {
  /** A file was not added. Prevented, the element says nothing of it. */
  "file-reject": CustomEvent<{ file: File; reason: Rejection }>;
  /** A file is about to be sent. Prevented, it is skipped. */
  "upload-before": CustomEvent<ItemDetail>;
  "upload-start": CustomEvent<ItemDetail>;
  /** At most four times a second for each file. */
  "upload-progress": CustomEvent<ItemDetail & { sentBytes: number; size: number }>;
  "merge-progress": CustomEvent<ItemDetail & { mergedBytes: number; size: number }>;
  "upload-success": CustomEvent<ItemDetail & { info: UploadInfo }>;
  "upload-error": CustomEvent<ItemDetail & { error: GateError }>;
  /** Somebody wants it tried again. Prevented, it is not. */
  "upload-retry": CustomEvent<ItemDetail & { restart: boolean }>;
  /** Somebody wants it given up. Prevented, it goes on. */
  "upload-abort": CustomEvent<ItemDetail>;
  /** A file stands at the target. Prevented, nobody is asked, and `choice` counts. */
  "conflict": CustomEvent<ItemDetail & { error: GateError; choice?: Choice | Promise<Choice> }>;
  /** A host is in trouble: with `delay` it is tried again after so many milliseconds, without it the upload failed. */
  "host-error": CustomEvent<ItemDetail & { host: string; error: GateError; delay?: number }>;
}
