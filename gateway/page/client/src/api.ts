import { GateError } from "./errors.ts";
import type { Entry, HostInfo, Me, OpenRequest, UploadInfo } from "./wire.ts";

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

/** How long a call may take that moves no bytes. */
const patience = 90_000;

/** Whether a call failed for who asked. */
const refused = (e: unknown): boolean => e instanceof GateError && e.code === "unauthenticated";

/** The gateway's API, one method for a call. */
export class Api {
  #base: string;
  #options: ApiOptions;
  #ticket?: Promise<string>;

  constructor(options: ApiOptions = {}) {
    this.#options = options;
    const base = options.endpoint ? new URL(options.endpoint, globalThis.document?.baseURI) : new URL("..", import.meta.url);
    this.#base = base.href.replace(/[?#].*$/, "").replace(/\/*$/, "/");
  }

  /** The first 500 of a longer list, as {@link uploads} gives them. */
  hosts = async (): Promise<HostInfo[]> => (await this.#json<{ hosts: HostInfo[] }>("GET", "v1/hosts")).hosts;
  host = (id: string): Promise<HostInfo> => this.#json("GET", `v1/hosts/${encodeURIComponent(id)}`);
  entries = async (host: string, dir: string): Promise<Entry[]> =>
    (await this.#json<{ entries: Entry[] }>("GET", `v1/hosts/${encodeURIComponent(host)}/entries?dir=${encodeURIComponent(dir)}`)).entries;
  /** The first 500; `request` reads on with `?cursor=` and the `next` of an answer. */
  uploads = async (): Promise<UploadInfo[]> => (await this.#json<{ uploads: UploadInfo[] }>("GET", "v1/uploads")).uploads;
  upload = (id: string, call?: Call): Promise<UploadInfo> => this.#json("GET", this.path(id), call);
  open = (json: OpenRequest, call?: Call): Promise<UploadInfo> => this.#json("POST", "v1/uploads", { ...call, json });
  merge = (id: string, call?: Call): Promise<UploadInfo> => this.#json("POST", this.path(id, "/merge"), call);
  me = (): Promise<Me> => this.#json("GET", "v1/me");
  async cancel(id: string, call?: Call): Promise<void> { await this.request("DELETE", this.path(id), call); }

  /** The path of an upload below the endpoint. */
  path = (id: string, rest = ""): string => `v1/uploads/${encodeURIComponent(id)}${rest}`;

  /** A path below the endpoint as a URL. */
  url = (path: string): string => this.#base + path;

  /** Whether cookies go to another origin as well. */
  get withCredentials(): boolean { return this.#options.credentials === "include"; }

  /** Any call; resolves when it is answered with success. */
  request(method: string, path: string, { json, signal, token, accept }: Call = {}): Promise<Response> {
    return this.authorized(token, async (headers) => {
      if (json !== undefined) headers["Content-Type"] = "application/json";
      if (accept) headers["Accept"] = accept;
      // A stream goes on for as long as it likes: who reads it watches over it.
      const bounds = accept ? [] : [AbortSignal.timeout(patience)];
      if (signal) bounds.push(signal);
      let answer: Response;
      try {
        answer = await fetch(this.url(path), {
          method, headers, cache: "no-store", credentials: this.#options.credentials ?? "same-origin",
          signal: AbortSignal.any(bounds), body: json === undefined ? undefined : JSON.stringify(json),
        });
        if (answer.ok) return answer;
      } catch (cause) {
        signal?.throwIfAborted();
        throw GateError.lost((cause as Error).name === "TimeoutError" ? "stalled" : "network", (cause as Error).message);
      }
      throw GateError.from(answer.status, await answer.text().catch(() => ""), answer.headers.get("Retry-After"));
    });
  }

  async #json<T>(method: string, path: string, call?: Call): Promise<T> {
    const answer = await this.request(method, path, call);
    return answer.json().catch((cause: Error) => {
      call?.signal?.throwIfAborted();
      // A page that somebody is to sign in on comes with success as well.
      throw cause instanceof SyntaxError ? GateError.from(answer.status, "", null) : GateError.lost("network", cause.message);
    });
  }

  /**
   * Runs a request with the headers that say who is asking. After a 401 it runs once more, with
   * the upload's own token or else with a fresh ticket; requests that fail together fetch one.
   */
  async authorized<T>(token: string | undefined, run: (headers: Record<string, string>) => Promise<T>): Promise<T> {
    const { ticket, headers } = this.#options;
    const as = (bearer?: string) => run({ ...headers, ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) });
    const first = ticket && (this.#ticket ??= this.#fetchTicket());
    try {
      return await as(await first);
    } catch (error) {
      if (!refused(error)) throw error;
      if (token) {
        try {
          return await as(token);
        } catch (again) {
          if (!refused(again)) throw again;
        }
      }
      if (typeof ticket !== "function") throw error;
      if (this.#ticket === first) this.#ticket = this.#fetchTicket();
      return as(await this.#ticket);
    }
  }

  #fetchTicket(): Promise<string> {
    const { ticket } = this.#options;
    return Promise.resolve(typeof ticket === "function" ? ticket() : ticket!).catch((cause: Error) => {
      this.#ticket = undefined; // the next call asks again
      // A fetch without an answer fails with a TypeError.
      throw cause instanceof TypeError ? GateError.lost("network", cause.message) : new GateError("unauthenticated", cause.message);
    });
  }
}
