import { Api, follow, GateError } from "sftpgate";
import type { Ticket } from "./ticket.ts";
import type { Caller, Entry, Host, Upload } from "./wire.ts";

/** Part is an answer with a part of a list, and where that goes on. */
type Part<T> = { [name: string]: T[] | string | undefined; next?: string };

/** Gate asks the gateway, always with the ticket at hand. */
export class Gate {
  private api: Api;

  /** @param base the gateway's address, with a slash at its end */
  constructor(readonly base: string, ticket: Ticket) {
    const open = () => new Api(ticket.text ? { endpoint: base, ticket: ticket.text } : { endpoint: base });
    this.api = open();
    ticket.watch(() => (this.api = open()));
  }

  me = (): Promise<Caller> => this.api.me();
  hosts = (): Promise<Host[]> => this.list("hosts");
  /** host asks the host itself, which may take seconds. */
  host = (id: string): Promise<Host> => this.api.host(id);
  entries = (host: string, dir: string): Promise<Entry[]> => this.api.entries(host, dir);
  uploads = (): Promise<Upload[]> => this.list("uploads");
  /** everyones are the caller's own and whatever others have not finished; administrators alone may ask. */
  everyones = (): Promise<Upload[]> => this.list("uploads", { all: "1" });
  /** upload asks for one, and the gateway the host. */
  upload = (id: string): Promise<Upload> => this.api.upload(id);
  /** merge asks for the file to be put together; that goes on after the answer. */
  merge = (id: string): Promise<Upload> => this.api.merge(id);
  cancel = (id: string): Promise<void> => this.api.cancel(id);

  /** list reads a list to its end: an answer has only a part of a long one. What moves in it
      meanwhile comes twice, and counts as it came last. Where the gateway does not know any more
      how far it was read, as when hosts were taken out of hosts.yaml, it is read anew. */
  private async list<T extends { id: string }>(name: string, query: Record<string, string> = {}): Promise<T[]> {
    const all = new Map<string, T>();
    let anew = 3;
    for (let next: string | undefined = ""; next !== undefined; ) {
      try {
        const part: Part<T> = await this.part(name, next ? { ...query, cursor: next } : query);
        for (const one of part[name] as T[]) all.set(one.id, one);
        next = part.next;
      } catch (e) {
        if (!next || !(e instanceof GateError) || e.code !== "invalid-request" || anew-- === 0) throw e;
        next = "";
        all.clear();
      }
    }
    return [...all.values()];
  }

  private async part<T>(name: string, query: Record<string, string>): Promise<Part<T>> {
    const asked = new URLSearchParams(query).toString();
    const answer = await this.api.request("GET", `v1/${name}${asked && `?${asked}`}`);
    return answer.json().catch(() => { throw GateError.from(answer.status, "", null); });
  }

  async takeover(id: string): Promise<void> {
    await this.api.request("POST", this.api.path(id, "/takeover"));
  }

  /** follow tells how an upload moves on, until it has ended. */
  async follow(id: string, seen: (u: Upload) => void, signal: AbortSignal): Promise<void> {
    await follow(this.api, id, { signal }, seen);
  }
}

/** unanswered tells whether no answer came: the gateway, or the way to it, is away. */
export const unanswered = (e: unknown) => !(e instanceof GateError) || e.status === 0 || e.code === "proxy";
