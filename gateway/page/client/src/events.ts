import type { Api, Call } from "./api.ts";
import { GateError } from "./errors.ts";
import { sleep } from "./retry.ts";
import type { UploadInfo } from "./wire.ts";

/** The gateway sends at least a comment every 15 s; a stream that says less is held back on its way. */
const silence = 25_000;
const pollEvery = 2000;

/** How many streams in a row have told nothing, whichever upload they were for. */
let mute = 0;

type Following = Call & { signal: AbortSignal };

/** Whether nothing more will happen to an upload. */
export const ended = (u: UploadInfo): boolean => ["done", "failed", "cancelled"].includes(u.state);

/**
 * Follows an upload until it has ended, or its merge has found bytes missing (`error`), by the
 * gateway's events (SSE). They are read with fetch, because an EventSource cannot authenticate.
 * Where they do not come through, as behind a proxy that buffers, the upload is asked for every
 * two seconds instead.
 */
export async function follow(api: Api, id: string, call: Following, seen: (u: UploadInfo) => void): Promise<UploadInfo> {
  for (;;) {
    if (mute < 2) {
      let heard = false;
      const last = await stream(api, id, call, (u) => { heard = true; seen(u); });
      if (last) return last;
      mute = heard ? 0 : mute + 1;
    }
    const now = await api.upload(id, call);
    seen(now);
    if (ended(now) || now.error) return now;
    await sleep(pollEvery, call.signal);
  }
}

/** Reads one stream; undefined when it ends before the upload does. */
async function stream(api: Api, id: string, { token, signal }: Following, seen: (u: UploadInfo) => void): Promise<UploadInfo | undefined> {
  const silent = new AbortController();
  const stop = () => silent.abort();
  let timer = setTimeout(stop, silence);
  signal.addEventListener("abort", stop);
  try {
    const answer = await api.request("GET", api.path(id, "/events"), { token, signal: silent.signal, accept: "text/event-stream" });
    const reader = answer.body!.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
    for (let text = ""; ;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      clearTimeout(timer);
      timer = setTimeout(stop, silence);
      const blocks = (text + value).split("\n\n");
      text = blocks.pop()!;
      for (const block of blocks) {
        const data = /^data: ?(.*)$/m.exec(block)?.[1];
        if (!data) continue;
        const u = JSON.parse(data) as UploadInfo;
        seen(u);
        if (ended(u) || u.error) return u;
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GateError && !error.passing) throw error;
    return undefined;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    silent.abort();
  }
}
