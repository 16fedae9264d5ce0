import type { Api } from "./api.ts";
import type { ByteRange, Plan } from "./chunks.ts";
import { contentDigest } from "./digest.ts";
import type { GateError } from "./errors.ts";
import type { UploadOptions } from "./options.ts";
import { persist, type Patience } from "./retry.ts";
import { send, sendOneAtOnce } from "./send.ts";
import type { Tally } from "./tally.ts";
import type { UploadInfo } from "./wire.ts";

/** What sending a piece needs of its transfer. */
export interface Sender {
  api: Api;
  /** The upload's. */
  id: string;
  options: UploadOptions;
  tally: Tally;
  token?: string;
  patience: Patience;
  /** Told what the gateway answered. */
  took(u: UploadInfo): void;
  /** Told how much of a body has left. */
  flew(body: object, sent: number): void;
  progress(): void;
}

/** How often bytes that did not match their digest are sent again. */
const mismatches = 3;

/**
 * Whether an upload that the gateway has opened may get past an error by waiting. The gateway was
 * there, so what answers in its place now is taken for a moment's trouble, as a network's is.
 */
export const underWay = (e: GateError): boolean => e.passing || e.code === "proxy";

/** Sends a piece, or gives it back to the plan to be sent in smaller ones. */
export async function sendPiece(s: Sender, plan: Plan, piece: ByteRange): Promise<void> {
  const { api, id, token, patience, tally, options: { file, checksum } } = s;
  const [from, to] = piece;
  const bytes = file.slice(from, to);
  const whole = from % plan.chunkSize === 0 && (to - from === plan.chunkSize || to === file.size);
  const path = api.path(id, whole ? `/chunks/${from / plan.chunkSize}` : "/data");
  let bad = 0;
  let broken = 0;
  let smaller = false;
  try {
    await persist(patience, async () => {
      const headers: Record<string, string> = {};
      if (!whole) headers["Content-Range"] = `bytes ${from}-${to - 1}/${file.size}`;
      if (checksum !== false) headers["Content-Digest"] = await contentDigest(bytes);
      tally.land(piece);
      s.took(await send(api, { path, headers, bytes, token, signal: patience.signal, onProgress: (n) => s.flew(piece, n) }));
    }, (e) => {
      if (e.code === "digest-mismatch") return ++bad < mismatches;
      const tooMuch = e.status === 413;
      // A connection that breaks off in the middle again and again lasts too long for something on its way.
      const tooSlow = e.code === "stalled" || e.status === 408 || e.status === 504 ||
        (e.code === "network" && tally.flown(piece) > 0 && ++broken > 1);
      smaller = (tooMuch || tooSlow) && plan.shrink(to - from, tooMuch);
      // The gateway cuts a body that is too slow, and several of them share the line.
      if (tooSlow && !smaller) sendOneAtOnce();
      return underWay(e) && !smaller;
    });
    plan.passed();
    tally.safe += to - from;
  } catch (e) {
    if (patience.signal.aborted || !smaller) throw e;
    plan.giveBack(piece);
  } finally {
    tally.land(piece);
    s.progress();
  }
}
