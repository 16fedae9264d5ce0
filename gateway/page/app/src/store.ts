// Something that is shown, and says when it has changed.
export class Store {
  private watchers = new Set<() => void>();

  /** watch calls then after every change, until the function returned is called. */
  watch(then: () => void): () => void {
    this.watchers.add(then);
    return () => this.watchers.delete(then);
  }

  protected changed(): void {
    for (const then of [...this.watchers]) then();
  }
}
