import type { Rejection } from "./events.ts";
import { formatBytes } from "./format.ts";
import { Item } from "./item.ts";
import type { Queue } from "./queue.ts";
import type { Texts } from "./texts.ts";
import { isJunk, pickedIn, type Picked } from "./walk.ts";

/** Where added files go, instead of where the attributes say. */
export interface Where {
  host?: string;
  dir?: string;
  /** The absolute path of the one file. */
  path?: string;
}

/** What the intake needs of the element. */
export interface Door {
  texts(): Texts;
  /** Where files go, and how large one may be. */
  place(): { host: string; dir: string; most?: number };
  /** Tells the page of a file that is not added; false when it prevents that anything is said of it. */
  reject(file: File, reason: Rejection): boolean;
}

/** Takes files into the queue, and notes in words what it does not take. */
export class Intake {
  /** What there is to say. */
  notes: string[] = [];
  #count = 0;

  constructor(readonly queue: Queue, readonly door: Door) {}

  /** Adds files, and the files in dropped directories. Resolves with the items when all are found. */
  async add(files: File | FileList | File[] | DataTransfer, where: Where): Promise<Item[]> {
    const { queue, door } = this;
    const added: Item[] = [];
    const without = { lost: [] as string[], empty: [] as string[] };
    const twice: string[] = [];
    let junk = 0;
    for await (const picked of pickedIn(files, without)) {
      const places = new Set(queue.items.filter((i) => i.open).map((i) => `${i.host}:${i.path}`));
      for (const p of picked) {
        if (isJunk(p.name) && !where.path) {
          if (door.reject(p.file, "junk")) junk++;
        } else {
          const item = this.#take(p, where, places, twice);
          if (item) added.push(item);
        }
      }
      queue.pump();
    }
    const t = door.texts();
    const say = (names: string[], text: (names: string) => string) => {
      if (names.length) this.#note(text(names.join(", ")));
    };
    say(without.lost, t.notRead);
    say(without.empty, t.empty);
    say(twice.length > 9 ? [t.files(twice.length)] : twice, t.duplicate);
    if (junk) this.#note(t.junk(junk));
    return added;
  }

  #take({ file, name }: Picked, where: Where, places: Set<string>, twice: string[]): Item | undefined {
    const t = this.door.texts();
    const to = this.door.place();
    const host = where.host || to.host;
    const dir = where.dir || to.dir;
    if (!host || !(where.path || dir)) return this.#reject(file, "no-target", t.noTarget);
    const path = where.path ?? `${dir.replace(/\/+$/, "")}/${name}`;
    const { most } = to;
    if (most !== undefined && file.size > most) return this.#reject(file, "too-large", t.tooLarge(name, formatBytes(most)));
    const place = `${host}:${path}`;
    if (places.has(place)) {
      if (this.door.reject(file, "duplicate")) twice.push(name);
      return undefined;
    }
    places.add(place);
    const item = new Item(++this.#count, file, name, host, path);
    this.queue.items.push(item);
    return item;
  }

  #reject(file: File, reason: Rejection, note: string): undefined {
    if (this.door.reject(file, reason)) this.#note(note);
  }

  /** What was said already is not said twice. */
  #note(note: string): void {
    if (!this.notes.includes(note)) this.notes.push(note);
  }
}
