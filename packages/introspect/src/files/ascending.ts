import type { Turns } from '../turns.js';

/** Sorted at once. */
const RUN = 2 ** 15;

/** Numbers from the lowest to the highest; sorted in runs, with turns of others in between. */
export async function ascending(values: Float64Array, turns: Turns): Promise<Iterable<number>> {
  const runs: Float64Array[] = [];
  for (let start = 0; start < values.length; start += RUN) {
    runs.push(values.slice(start, start + RUN).sort());
    await turns.next();
  }
  return merge(runs);
}

function* merge(runs: readonly Float64Array[]): Generator<number> {
  const positions = new Uint32Array(runs.length);
  for (;;) {
    let lowest = Infinity;
    let from = -1;
    for (let run = 0; run < runs.length; run++) {
      const value = runs[run]?.[positions[run] ?? 0] ?? Infinity;
      if (value >= lowest) continue;
      lowest = value;
      from = run;
    }
    if (from === -1) return;
    positions[from] = (positions[from] ?? 0) + 1;
    yield lowest;
  }
}
