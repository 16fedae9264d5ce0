// What the gateway answers, in the client's types (gateway/api/openapi.yaml has the whole of it).
import type { Entry as AnyEntry, HostInfo, Me, UploadInfo } from "sftpgate";

export type Operation = "read" | "browse" | "upload" | "cancel" | "takeover";
/** Caller is who asks, and what may be done; what is left out is not bounded. */
export type Caller = Me;
export type Host = Omit<HostInfo, "engine">;
export type Entry = AnyEntry;
export type Upload = UploadInfo;
