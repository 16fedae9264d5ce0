/**
 * Uploads to an sftpgate: the class {@link Upload}, the element `<sftpgate-upload>`, and the
 * calls of the gateway's API.
 */
import { answerInWorker } from "./digest.ts";
import { SftpgateUpload } from "./element/element.tsx";

export { Api, type ApiOptions, type Ticket } from "./api.ts";
export type { ByteRange } from "./chunks.ts";
export { GateError, type GateCode, type LocalCode, type Problem } from "./errors.ts";
export { follow } from "./events.ts";
export { fingerprint } from "./fingerprint.ts";
export type { UploadOptions } from "./options.ts";
export { Upload, type Decision, type UploadState } from "./upload.ts";
export type { Entry, HostInfo, Me, OpenRequest, UploadInfo, UploadStage } from "./wire.ts";
export { formatBytes, formatTime } from "./element/format.ts";
export type { Choice, Overwrite } from "./element/conflicts.ts";
export type { ItemDetail, Rejection, SftpgateUploadEvents } from "./element/events.ts";
export type { Where } from "./element/intake.ts";
export type { Item, ItemState } from "./element/item.ts";
export { SftpgateUpload } from "./element/element.tsx";

declare global {
  interface HTMLElementTagNameMap { "sftpgate-upload": SftpgateUpload }
}

answerInWorker();
const registry = globalThis.customElements as CustomElementRegistry | undefined;
if (registry && !registry.get("sftpgate-upload")) registry.define("sftpgate-upload", SftpgateUpload);
