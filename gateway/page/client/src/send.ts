import type { Api } from "./api.ts";
import { GateError } from "./errors.ts";

/** One body on its way. */
export interface Body {
  path: string;
  headers: Record<string, string>;
  bytes: Blob;
  token?: string;
  signal: AbortSignal;
  /** Whether it is all there is of a file: once it has left, the file may appear, and an abort waits for the answer. */
  publishes?: boolean;
  /** Told how many bytes have left. */
  onProgress(sent: number): void;
}

/** A request that does not move for so long is given up, however long it took until then. */
const stall = 60_000;
/** The answer may take longer: before it the host has synced the bytes. */
const answer = 120_000;

/**
 * Bodies at once in this page, whatever the number of uploads. With HTTP/1.1 a browser has six
 * connections to a server; a request that waits for one would look as if it had stalled.
 */
const most = 5;
let places = most;
let busy = 0;
const waiting: (() => void)[] = [];

/** So many bytes a millisecond are enough for each of several bodies at once. */
const quick = 8;

/** Has one body at once have all of a slow line, until one was quick. */
export const sendOneAtOnce = (): void => { places = 1; };

/** Sends bytes by PUT and resolves with the gateway's answer. XMLHttpRequest alone shows progress. */
export async function send<T>(api: Api, body: Body): Promise<T> {
  while (busy >= places) await new Promise<void>((go) => waiting.push(go));
  busy++;
  try {
    body.signal.throwIfAborted();
    const began = performance.now();
    const taken = await api.authorized(body.token, (headers) => put<T>(api, body, headers));
    if (body.bytes.size > quick * (performance.now() - began)) places = most;
    return taken;
  } finally {
    busy--;
    for (const go of waiting.splice(0, places - busy)) go();
  }
}

function put<T>(api: Api, { path, headers, bytes, signal, publishes, onProgress }: Body, who: Record<string, string>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal.throwIfAborted(); // while the ticket was fetched
    const xhr = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const fail = (error: unknown) => { end(); reject(error); };
    const abort = () => { xhr.abort(); fail(signal.reason); };
    const end = () => { clearTimeout(timer); signal.removeEventListener("abort", abort); };
    const moved = (patience = stall) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        xhr.abort();
        fail(GateError.lost("stalled"));
      }, patience);
    };
    xhr.open("PUT", api.url(path));
    xhr.withCredentials = api.withCredentials;
    for (const [name, value] of Object.entries({ "Content-Type": "application/octet-stream", ...who, ...headers })) {
      xhr.setRequestHeader(name, value);
    }
    xhr.upload.onprogress = (e) => { moved(); onProgress(e.loaded); };
    xhr.upload.onload = () => {
      moved(answer);
      if (publishes) signal.removeEventListener("abort", abort);
    };
    xhr.onerror = () => fail(GateError.lost("network"));
    xhr.onload = () => {
      end();
      try {
        if (xhr.status < 300) return resolve(JSON.parse(xhr.responseText) as T);
      } catch {
        // Not the gateway's answer.
      }
      reject(GateError.from(xhr.status, xhr.responseText, xhr.getResponseHeader("Retry-After")));
    };
    // Of an empty body no browser says that it has left.
    if (bytes.size || !publishes) signal.addEventListener("abort", abort);
    moved();
    xhr.send(bytes);
  });
}
