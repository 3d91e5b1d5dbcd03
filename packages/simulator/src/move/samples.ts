import type { Sample } from './outcome.js';

const MOST_SAMPLES = 1024;

/** Samples of a move, at most 1024: when there are more, two are merged into one. */
export class Samples {
  #samples: Sample[] = [];
  /** How many samples become one. */
  #stride = 1;
  #collected: Sample[] = [];
  #lastMs = 0;

  get all(): readonly Sample[] {
    return [
      ...this.#samples,
      ...(this.#collected.length === 0 ? [] : [merge(this.#collected, this.#lastMs)]),
    ];
  }

  add(sample: Sample): void {
    this.#collected.push(sample);
    if (this.#collected.length < this.#stride) return;
    this.#samples.push(merge(this.#collected, this.#lastMs));
    this.#lastMs = sample.ms;
    this.#collected = [];
    if (this.#samples.length < MOST_SAMPLES) return;
    const before = this.#samples;
    this.#stride *= 2;
    this.#samples = [];
    for (let index = 0; index < before.length; index += 2) {
      this.#samples.push(merge(before.slice(index, index + 2), before[index - 1]?.ms ?? 0));
    }
  }
}

/** One sample for several: what remains at the end, and the mean rates. */
function merge(samples: readonly Sample[], fromMs: number): Sample {
  let before = fromMs;
  let dirtied = 0;
  let arrived = 0;
  for (const { ms, dirtiedBytesPerSecond, arrivedBytesPerSecond } of samples) {
    dirtied += dirtiedBytesPerSecond * (ms - before);
    arrived += arrivedBytesPerSecond * (ms - before);
    before = ms;
  }
  const duration = Math.max(before - fromMs, 1e-9);
  return {
    ms: before,
    remainingBytes: samples.at(-1)?.remainingBytes ?? 0,
    dirtiedBytesPerSecond: dirtied / duration,
    arrivedBytesPerSecond: arrived / duration,
  };
}
