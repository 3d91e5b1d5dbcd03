import type { Random } from '../random.js';

/**
 * Which of `count` places are hit by `writes` writes that each hit any of them: calls `hit` with runs of them, upwards.
 *
 * Drawn place by place with the chance 1 - e^(-writes / count), so that it takes as long as the runs are many, not the
 * writes.
 */
export function hitEvenly(
  count: number,
  writes: number,
  random: Random,
  hit: (first: number, count: number) => void,
): void {
  if (!(writes > 0) || count <= 0) return;
  const logOfMiss = -writes / count;
  if (logOfMiss < -30) {
    hit(0, count);
    return;
  }
  const logOfHit = Math.log(-Math.expm1(logOfMiss));
  for (let place = gap(logOfMiss, random); place < count;) {
    const end = Math.min(place + 1 + gap(logOfHit, random), count);
    hit(place, end - place);
    place = end + 1 + gap(logOfMiss, random);
  }
}

/** Places in a row that have what another one has with the chance e^log. */
function gap(log: number, random: Random): number {
  return Math.floor(Math.log(1 - random()) / log);
}
