import { GateError } from "./errors.ts";
import { Sha256 } from "./sha256.ts";

const workerName = "sftpgate-sha256";
const slice = 1 << 20;
/** How long a worker may take to start, and for a slice: one that has died says nothing, and not even that. */
const starting = 5000;
const patience = 30_000;

/** Without a blob it says whether to go on with this id. */
interface Question { id: number; blob?: Blob; on?: boolean }
/** With neither a sum nor how far it is, it did not work. */
interface Answer { id: number; sum?: Uint8Array; at?: number }
/** Hears how many bytes are hashed, and tells, now or later, whether to go on. */
type More = (at: number) => boolean | Promise<boolean>;

/** Hashes without holding more than a slice of the bytes. */
async function inSlices(blob: Blob, more: More): Promise<Uint8Array> {
  const hash = new Sha256();
  for (let at = 0; at < blob.size; at += slice) {
    if (!await more(at)) throw new Error("given up");
    hash.update(new Uint8Array(await blob.slice(at, at + slice).arrayBuffer()));
  }
  return hash.digest();
}

/**
 * Answers questions when this module runs as the worker that {@link hasher} starts. It is its own
 * worker, so that there is nothing else to load, and nothing that a Content-Security-Policy of
 * 'self' would refuse.
 */
export function answerInWorker(): void {
  const scope = globalThis as unknown as { name?: string; document?: unknown; postMessage(m: unknown): void; onmessage: unknown };
  if (scope.document || scope.name !== workerName) return;
  const resume = new Map<number, (on: boolean) => void>();
  const answer = (a: Answer) => scope.postMessage(a);
  scope.onmessage = async ({ data: { id, blob, on } }: MessageEvent<Question>) => {
    if (!blob) return resume.get(id)?.(on!);
    try {
      answer({ id, sum: await inSlices(blob, (at) => new Promise((go) => { resume.set(id, go); answer({ id, at }); })) });
    } catch {
      answer({ id });
    }
    resume.delete(id);
  };
  scope.postMessage("ready");
}

type Hash = typeof inSlices;

let shared: Promise<Hash> | undefined;

/** The worker's hashing, or this thread's where a worker is refused, as for a module of another origin. */
function hasher(): Promise<Hash> {
  return shared ??= new Promise<Hash>((resolve) => {
    const asked = new Map<number, [Blob, More, (sum: Uint8Array | Promise<Uint8Array>) => void]>();
    let worker: Worker | undefined;
    let count = 0;
    let owed = 1; // answers that the worker has still to give, the first one to its start
    let timer: ReturnType<typeof setTimeout> | undefined;
    // What a worker has not done when it fails is done here, and whatever comes after it.
    const here = () => {
      clearTimeout(timer);
      worker?.terminate();
      resolve(inSlices);
      shared = Promise.resolve(inSlices);
      for (const [blob, more, done] of asked.values()) done(inSlices(blob, more));
      asked.clear();
    };
    const watch = (ms = patience) => {
      clearTimeout(timer);
      if (owed) timer = setTimeout(here, ms);
    };
    const ask = (question: Question) => {
      owed++;
      watch();
      worker!.postMessage(question);
    };
    try {
      worker = new Worker(import.meta.url, { type: "module", name: workerName });
      // A worker that does not say that it is ours runs something else, as a panel's own bundle.
      watch(starting);
      worker.onerror = here;
      worker.onmessage = async ({ data }: MessageEvent<"ready" | Answer>) => {
        const { id, sum, at } = data as Answer;
        const question = asked.get(id);
        if (data !== "ready" && !question) return; // not ours, or given up for dead
        owed--;
        watch();
        if (!question) {
          resolve((blob, more) => new Promise((done) => {
            asked.set(++count, [blob, more, done]);
            ask({ id: count, blob });
          }));
          return;
        }
        const [blob, more, done] = question;
        if (at !== undefined) return ask({ id, on: await more(at) });
        asked.delete(id);
        // What failed there fails here as well, and says why.
        done(sum ?? inSlices(blob, more));
      };
    } catch {
      here();
    }
  });
}

/** The SHA-256 of a blob; with `more` it is read a slice at a time, and until that says no. */
export async function sha256(blob: Blob, more?: More): Promise<Uint8Array> {
  try {
    const subtle = globalThis.crypto?.subtle;
    if (subtle && !more) return new Uint8Array(await subtle.digest("SHA-256", await blob.arrayBuffer()));
    return await (await hasher())(blob, more ?? (() => true));
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** What reading a file fails with: it was changed, moved or removed since it was picked. */
function unreadable(cause: unknown): GateError {
  return new GateError("unreadable", cause instanceof Error ? cause.message : String(cause));
}

/** Bytes in base64. */
export const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** The SHA-256 of a blob as Content-Digest has it (RFC 9530). */
export const contentDigest = async (blob: Blob, more?: More): Promise<string> => `sha-256=:${base64(await sha256(blob, more))}:`;
