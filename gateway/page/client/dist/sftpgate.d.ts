/** Bytes from the first up to, but not including, the second. */
export type ByteRange = [
	from: number,
	to: number
];
/** The codes of the gateway's refusals. */
export type GateCode = "invalid-request" | "unauthenticated" | "forbidden" | "path-forbidden" | "permission-denied" | "unknown-host" | "unknown-upload" | "not-found" | "method-not-allowed" | "request-timeout" | "target-exists" | "different-file" | "chunk-conflict" | "incomplete" | "no-such-directory" | "not-a-file" | "changed-meanwhile" | "too-large" | "digest-mismatch" | "too-many" | "owned-by-another" | "host-refused" | "host-error" | "host-timeout" | "host-unreachable" | "registry-unavailable" | "shutting-down" | "still-finishing" | "no-space" | "quota" | "internal";
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
export declare class GateError extends Error {
	readonly code: GateCode | LocalCode;
	/** For a person; from the gateway where it answered. */
	readonly detail: string;
	/** The HTTP status, 0 when there was no answer. */
	readonly status: number;
	/** Whether the same request may succeed later. */
	readonly retryable: boolean;
	/** How long the gateway wants to be left alone, in seconds. */
	readonly retryAfter: number;
	/** All of the gateway's answer: `missing`, or the file in the way with its `size`, `mtime` and `etag`. */
	readonly problem: Problem;
	readonly name = "GateError";
	constructor(code: GateCode | LocalCode, 
	/** For a person; from the gateway where it answered. */
	detail?: string, 
	/** The HTTP status, 0 when there was no answer. */
	status?: number, 
	/** Whether the same request may succeed later. */
	retryable?: boolean, 
	/** How long the gateway wants to be left alone, in seconds. */
	retryAfter?: number, 
	/** All of the gateway's answer: `missing`, or the file in the way with its `size`, `mtime` and `etag`. */
	problem?: Problem);
	/** The byte ranges still to be sent (`incomplete`). */
	get missing(): ByteRange[] | undefined;
	/** Of the file in the way (`target-exists`, `changed-meanwhile`). */
	get size(): number | undefined;
	/** Of the file in the way. */
	get mtime(): string | undefined;
	/** Of the file in the way; `ifMatch` takes it. */
	get etag(): string | undefined;
	/** The caller's own upload that stands there (`different-file`). */
	get upload(): UploadInfo | undefined;
	/**
	 * Whether waiting alone can help. No room on the host (507) is for a person to mend, although
	 * the same request may succeed later.
	 */
	get passing(): boolean;
	/** The error of a request that got no answer. */
	static lost(code: "network" | "stalled", detail?: string): GateError;
	/** The error in a problem that an upload carries. */
	static of(p: Problem): GateError;
	/** The error in an answer that is no success. */
	static from(status: number, body: string, retryAfter: string | null): GateError;
}
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
/** A ticket, or what fetches a fresh one. */
export type Ticket = string | (() => string | Promise<string>);
/** Where the gateway is, and how to say who is asking. */
export interface ApiOptions {
	/** The gateway's base URL, as `https://panel.example/gate/`; by default the directory above this module's own. */
	endpoint?: string | URL;
	/** Sent as a bearer token. A function is asked again when the gateway no longer takes its last one. */
	ticket?: Ticket;
	/** Further headers of every request. */
	headers?: Record<string, string>;
	/** As of fetch; `include` for a gateway of another origin that knows people by their cookies. */
	credentials?: RequestCredentials;
}
/** What goes with a call. */
export interface Call {
	json?: unknown;
	signal?: AbortSignal;
	/** Replaces the ticket once that is refused. */
	token?: string;
	accept?: string;
}
/** The gateway's API, one method for a call. */
export declare class Api {
	#private;
	constructor(options?: ApiOptions);
	/** The first 500 of a longer list, as {@link uploads} gives them. */
	hosts: () => Promise<HostInfo[]>;
	host: (id: string) => Promise<HostInfo>;
	entries: (host: string, dir: string) => Promise<Entry[]>;
	/** The first 500; `request` reads on with `?cursor=` and the `next` of an answer. */
	uploads: () => Promise<UploadInfo[]>;
	upload: (id: string, call?: Call) => Promise<UploadInfo>;
	open: (json: OpenRequest, call?: Call) => Promise<UploadInfo>;
	merge: (id: string, call?: Call) => Promise<UploadInfo>;
	me: () => Promise<Me>;
	cancel(id: string, call?: Call): Promise<void>;
	/** The path of an upload below the endpoint. */
	path: (id: string, rest?: string) => string;
	/** A path below the endpoint as a URL. */
	url: (path: string) => string;
	/** Whether cookies go to another origin as well. */
	get withCredentials(): boolean;
	/** Any call; resolves when it is answered with success. */
	request(method: string, path: string, { json, signal, token, accept }?: Call): Promise<Response>;
	/**
	 * Runs a request with the headers that say who is asking. After a 401 it runs once more, with
	 * the upload's own token or else with a fresh ticket; requests that fail together fetch one.
	 */
	authorized<T>(token: string | undefined, run: (headers: Record<string, string>) => Promise<T>): Promise<T>;
}
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
/** What an upload does just now. */
export type UploadState = "idle" | "opening" | "sending" | "checking" | "merging" | "paused" | "done" | "failed" | "cancelled";
/** What may be decided anew before an upload is started again. */
export type Decision = Pick<UploadOptions, "ifExists" | "ifMatch" | "restart">;
/**
 * One file on its way to a host. It survives whatever passes by itself: a network that is gone, a
 * gateway that restarts, a host that does not answer. Only bytes that are not safe on the host yet
 * are ever sent again, also after the page was reloaded and the same file picked again.
 *
 * Events: `state` when the state changes, `progress` when bytes were sent or merged, and `retry`
 * (its detail holds `error`, and `delay` in milliseconds) before something is tried again.
 */
export declare class Upload extends EventTarget {
	#private;
	/** Where the file goes. */
	readonly path: string;
	/** Why it failed. */
	error?: GateError;
	/** What is being waited out just now. */
	waiting?: GateError;
	constructor(options: UploadOptions);
	get state(): UploadState;
	get file(): Blob;
	get host(): string;
	get size(): number;
	/** What the gateway said last. */
	get info(): UploadInfo | undefined;
	/** The gateway's name for this upload, once it is open. */
	get id(): string | undefined;
	/** The digest of the whole file, where one was declared. */
	get digest(): string | undefined;
	/** Bytes that are on the host, or on their way to it. */
	get sentBytes(): number;
	/** Bytes that are in the file on the host. */
	get mergedBytes(): number;
	/** Bytes that were read for the digest of the whole file, which goes on in the state `checking`. */
	get hashedBytes(): number;
	/** Bytes a second: sent, and after the last one read for the digest, and merged. */
	get speed(): number;
	/** Seconds until the last byte is sent (read, merged), undefined while that cannot be told. */
	get timeLeft(): number | undefined;
	/**
	 * Starts, or starts again after a failure. Resolves when the file is at its place, also after
	 * pauses; rejects with a {@link GateError} when it failed or was cancelled.
	 */
	start(decision?: Decision): Promise<UploadInfo>;
	/** Stops sending. What is safe on the host stays there. A merge goes on. */
	pause(): void;
	/** Goes on after a pause or a failure. */
	resume(): void;
	/** Gives the upload up. Resolves when nothing of it is left on the host. */
	cancel(): Promise<void>;
}
/** How an item of the queue stands. */
export type ItemState = "queued" | "opening" | "sending" | "checking" | "merging" | "paused" | "conflict" | "done" | "failed" | "cancelled" | "skipped";
/** One file of the queue. */
export declare class Item {
	readonly key: number;
	readonly file: File;
	/** The file's name, with its directories below what was picked. */
	readonly name: string;
	readonly host: string;
	/** Where it goes, absolute. */
	readonly path: string;
	state: ItemState;
	/** Set while there is something under way, or something to go on with. */
	upload?: Upload;
	error?: GateError;
	/** The gateway's last word when it is done. */
	result?: UploadInfo;
	/** What was decided about a file in the way. */
	decision?: Decision;
	/** What the page was told of it last: bytes sent, and bytes merged. */
	told: number[];
	constructor(key: number, file: File, 
	/** The file's name, with its directories below what was picked. */
	name: string, host: string, 
	/** Where it goes, absolute. */
	path: string);
	get size(): number;
	get sentBytes(): number;
	get mergedBytes(): number;
	/** Whether it takes one of the places of what is sent at once. */
	get active(): boolean;
	/** Whether it still has to arrive. */
	get open(): boolean;
	get lastName(): string;
	get directory(): string;
	get canPause(): boolean;
	get canResume(): boolean;
	get canRetry(): boolean;
	get canCancel(): boolean;
	/**
	 * Whether what stands in its way is the caller's own: another file that was begun at this place, or
	 * this one, changed; or one that came out on the host as another than was declared.
	 */
	get canRestart(): boolean;
}
/** What becomes of a file that stands at the target. */
export type Overwrite = "ask" | "fail" | "replace" | "skip";
/** What a person decides about it. */
export type Choice = "replace" | "skip" | "later" | "cancel";
declare class Attributed extends HTMLElement {
	/** The gateway's base URL; by default the directory above this module's own. */
	endpoint: string;
	/** The id of the host. */
	host: string;
	/** Ids of hosts to choose from, separated by commas. */
	hosts: string;
	/** The directory on the host. */
	dir: string;
	/** Answers a GET, with cookies, with a fresh ticket: as text, or as `{"ticket": …}`. */
	ticketUrl: string;
	/** What becomes of files that stand there: ask (the default), fail, replace or skip. */
	overwrite: Overwrite | "";
	/** Bytes in a chunk, as 8MiB. */
	chunkSize: string;
	/** Files at once, 3 by default. */
	concurrency: string;
	/** Larger files are rejected, as 5GiB. */
	maxSize: string;
	/** What the gateway checks: each of the chunks (the default), or besides the whole file. */
	digest: "chunks" | "whole" | "";
	get disabled(): boolean;
	set disabled(off: boolean);
	/** Whether nothing can be given up, as the ticket does not allow it; a row is then only taken away. */
	get noCancel(): boolean;
	set noCancel(not: boolean);
}
/** What events of an item hold. */
export interface ItemDetail {
	item: Item;
	file: File;
}
/** Why a file was not added. */
export type Rejection = "junk" | "no-target" | "too-large" | "duplicate";
/** The events of the element. They bubble, leave its shadow tree and can be cancelled. */
export interface SftpgateUploadEvents {
	/** A file was not added. Prevented, the element says nothing of it. */
	"file-reject": CustomEvent<{
		file: File;
		reason: Rejection;
	}>;
	/** A file is about to be sent. Prevented, it is skipped. */
	"upload-before": CustomEvent<ItemDetail>;
	"upload-start": CustomEvent<ItemDetail>;
	/** At most four times a second for each file. */
	"upload-progress": CustomEvent<ItemDetail & {
		sentBytes: number;
		size: number;
	}>;
	"merge-progress": CustomEvent<ItemDetail & {
		mergedBytes: number;
		size: number;
	}>;
	"upload-success": CustomEvent<ItemDetail & {
		info: UploadInfo;
	}>;
	"upload-error": CustomEvent<ItemDetail & {
		error: GateError;
	}>;
	/** Somebody wants it tried again. Prevented, it is not. */
	"upload-retry": CustomEvent<ItemDetail & {
		restart: boolean;
	}>;
	/** Somebody wants it given up. Prevented, it goes on. */
	"upload-abort": CustomEvent<ItemDetail>;
	/** A file stands at the target. Prevented, nobody is asked, and `choice` counts. */
	"conflict": CustomEvent<ItemDetail & {
		error: GateError;
		choice?: Choice | Promise<Choice>;
	}>;
	/** A host is in trouble: with `delay` it is tried again after so many milliseconds, without it the upload failed. */
	"host-error": CustomEvent<ItemDetail & {
		host: string;
		error: GateError;
		delay?: number;
	}>;
}
/** Where added files go, instead of where the attributes say. */
export interface Where {
	host?: string;
	dir?: string;
	/** The absolute path of the one file. */
	path?: string;
}
/**
 * `<sftpgate-upload>`: files are dropped on it, or chosen, and it brings them to a host.
 * README.md lists its attributes, events, parts and custom properties.
 */
export declare class SftpgateUpload extends Attributed {
	#private;
	static readonly observedAttributes: string[];
	/** A ticket, or what fetches a fresh one; instead of `ticket-url`. Once it is set it is used from the next file on. */
	get ticket(): Ticket | undefined;
	set ticket(ticket: Ticket | undefined);
	/** The files of the queue. */
	get items(): readonly Item[];
	/** Adds files, and the files in dropped directories. Resolves with the items when all are found. */
	add(files: File | FileList | File[] | DataTransfer, where?: Where): Promise<Item[]>;
	/** Pauses one file, or all. */
	pause(item?: Item): void;
	/** Goes on with one file, or all. */
	resume(item?: Item): void;
	/** Tries one file again, or all that failed. */
	retry(item?: Item): void;
	/** Gives up one file, or all; nothing of them stays on the host. */
	cancel(item?: Item): void;
	/** Takes one row away, or all whose files are through. */
	clear(item?: Item): void;
	/** @internal */
	connectedCallback(): void;
	/** @internal */
	disconnectedCallback(): void;
	/** @internal */
	attributeChangedCallback(name: string): void;
}
export interface SftpgateUpload {
	addEventListener<K extends keyof SftpgateUploadEvents>(type: K, listener: (event: SftpgateUploadEvents[K]) => unknown, options?: boolean | AddEventListenerOptions): void;
	addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
}
export type Following = Call & {
	signal: AbortSignal;
};
/**
 * Follows an upload until it has ended, or its merge has found bytes missing (`error`), by the
 * gateway's events (SSE). They are read with fetch, because an EventSource cannot authenticate.
 * Where they do not come through, as behind a proxy that buffers, the upload is asked for every
 * two seconds instead.
 */
export declare function follow(api: Api, id: string, call: Following, seen: (u: UploadInfo) => void): Promise<UploadInfo>;
/**
 * What makes a file the same one when it is picked again: its name, size and time, and the bytes
 * at both its ends. It costs two small reads however large the file is.
 *
 * The host and the directory are no part of it. The gateway compares it only with that of the
 * upload at the same place, and a directory may have two names (a link), of which only one would
 * find the upload again.
 */
export declare function fingerprint(file: Blob): Promise<string>;
/** A number of bytes for a person, as "1.5 GiB". */
export declare function formatBytes(n: number): string;
/** Seconds for a person, as "0:42" or "1:05:00". */
export declare function formatTime(seconds: number): string;

export {};
