import type { MoveOptions } from './move/moving-guest.js';
import { moveOrdered } from './move/ordered-move.js';
import type { Outcome, Strategy } from './move/outcome.js';
import { moveRoundRobin } from './move/round-robin-move.js';
import { seededRandom, type Random } from './random.js';
import type { Workload } from './workload/workload.js';

/** Looks at the dirty log in the time that the guest takes over the link, at most: for moves of hours. */
const MOST_LOOKS_A_PASS = 10_000;
/** Without a limit: so many times what the guest takes over the link, and a minute. */
const TIME_LIMIT_PASSES = 10;

export interface Scenario extends Omit<MoveOptions, 'workload' | 'timeLimitMs' | 'shortestLogIntervalMs'> {
  /** Makes the workload anew for each strategy, so that each meets the same one. */
  readonly workload: (random: Random) => Workload;
  readonly seed: number;
  readonly timeLimitMs: number | undefined;
}

/** Moves the guest of a scenario in one way. The same scenario has always the same outcome. */
export function simulate(scenario: Scenario, strategy: Strategy): Outcome {
  const { guest, link, seed } = scenario;
  const passMs = ((guest.layout.bytes * guest.scale) / link.at(0)) * 1000;
  const options: MoveOptions = {
    ...scenario,
    workload: scenario.workload(seededRandom(seed)),
    timeLimitMs: scenario.timeLimitMs ?? passMs * TIME_LIMIT_PASSES + 60_000,
    shortestLogIntervalMs: passMs / MOST_LOOKS_A_PASS,
  };
  return strategy === 'round-robin' ? moveRoundRobin(options) : moveOrdered(options, strategy);
}
