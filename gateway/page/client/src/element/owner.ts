import type { Api } from "../api.ts";
import type { UploadOptions } from "../options.ts";
import type { Overwrite } from "./conflicts.ts";
import type { Item } from "./item.ts";

/** What the queue needs of the element. */
export interface Owner {
  /** As the attributes say now. */
  options(): { api: Api; overwrite: Overwrite; digest?: UploadOptions["digest"]; chunkSize?: number; filesAtOnce: number; noCancel: boolean };
  /** Tells the page; false when it prevents what the event announces. */
  fire(name: string, item: Item, more?: Record<string, unknown>): boolean;
  /** Tells the page how far an item is. */
  tell(item: Item): void;
  /** Shows what has changed, soon. */
  touch(item?: Item): void;
}
