import type { GateError } from "../errors.ts";
import type { Item } from "./item.ts";
import type { Owner } from "./owner.ts";
import type { Queue } from "./queue.ts";

/** What becomes of a file that stands at the target. */
export type Overwrite = "ask" | "fail" | "replace" | "skip";
/** What a person decides about it. */
export type Choice = "replace" | "skip" | "later" | "cancel";

/** The items that wait for somebody to decide about the file in their way. */
export class Conflicts {
  /** The one that is asked about first. */
  items: Item[] = [];
  /** What was decided about all that come until the queue is through. */
  forAll?: Choice;

  constructor(readonly owner: Owner, readonly queue: Queue) {}

  /** Has it decided what becomes of an item that has met a file. */
  async meet(item: Item, error: GateError): Promise<void> {
    const { owner } = this;
    item.state = "conflict";
    const detail: { error: GateError; choice?: Choice | Promise<Choice> } = { error };
    if (!owner.fire("conflict", item, detail)) {
      this.decide(item, await Promise.resolve(detail.choice ?? "skip").catch((): Choice => "cancel"));
      return;
    }
    if (owner.options().overwrite === "skip") this.decide(item, "skip");
    // What changed while somebody decided is shown once more, whatever was said of all others.
    else if (this.forAll && error.code === "target-exists") this.decide(item, this.forAll);
    else this.items.push(item);
  }

  /** Settles the one that is asked about. */
  answer(choice: Choice, forAll: boolean): void {
    const [item] = this.items;
    if (item) this.decide(item, choice, forAll);
  }

  /** Settles a conflict, or this one and all that come until the queue is through. */
  decide(item: Item, choice: Choice, forAll = false): void {
    const { owner, queue } = this;
    if (forAll) this.forAll = choice;
    const { noCancel } = owner.options();
    const settled = forAll ? this.items : [item];
    this.items = forAll ? [] : this.items.filter((i) => i !== item);
    for (const i of settled) {
      if (i.state !== "conflict") continue;
      if (choice === "replace") {
        i.decision = { ifExists: "replace", ifMatch: i.error?.etag };
        i.state = "queued";
      } else if (choice === "later") {
        i.state = "failed"; // what was sent stays for another try
      } else if (choice === "cancel" && !noCancel) {
        queue.cancel(i);
        if (i.open) this.items.push(i); // the page has prevented it
      } else {
        if (i.upload?.id && !noCancel) queue.delete(i);
        i.state = "skipped";
      }
    }
    queue.pump();
  }

  /** Asks no more about an item. */
  forget(item: Item): void { this.items = this.items.filter((i) => i !== item); }
}
