const span = 8000;
const step = 250;

/** Measures a speed over the last seconds, so that it neither jumps nor lags far behind. */
export class Meter {
  #samples: [time: number, bytes: number][] = [];

  /** Forgets what was, as after a pause. */
  reset(): void { this.#samples = []; }

  /** Notes how many bytes there are by now. */
  note(bytes: number, now = performance.now()): void {
    const last = this.#samples.at(-1);
    if (last && (now - last[0] < step || bytes < last[1])) {
      if (bytes < last[1]) this.#samples = [[now, bytes]]; // a body failed and begins again
      return;
    }
    this.#samples.push([now, bytes]);
    while (now - this.#samples[0]![0] > span && this.#samples.length > 2) this.#samples.shift();
  }

  /** Bytes a second, 0 while that is not known. */
  speed(now = performance.now()): number {
    const first = this.#samples[0], last = this.#samples.at(-1);
    if (!first || !last || last[0] - first[0] < step) return 0;
    // While nothing comes the time goes on, and the speed sinks.
    return ((last[1] - first[1]) / (Math.max(last[0], now - step) - first[0])) * 1000;
  }
}
