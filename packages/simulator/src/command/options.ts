import { InvalidArgumentError, Option, type Command } from 'commander';
import type { LinkStep } from '../link/link-shape.js';
import { strategies, type Strategy } from '../move/outcome.js';
import type { BurstsOptions } from '../workload/bursts.js';
import { duration, integer, number, rate, size } from './parsers.js';

export const workloadNames = ['idle', 'uniform', 'hot-spot', 'zipf', 'sweep'] as const;

/** What the command line says of a simulation. */
export interface Flags {
  readonly memory: number;
  readonly link: number;
  readonly linkChange: readonly LinkStep[];
  readonly roundTrip: number;
  readonly window: number;
  readonly logRate: number;
  readonly workload: (typeof workloadNames)[number];
  readonly writeRate: number;
  readonly workingSet: number;
  readonly hot: number;
  readonly hotShare: number;
  readonly skew: number;
  readonly bursts?: BurstsOptions;
  readonly trace?: string;
  readonly downtime: number;
  readonly overhead: number;
  readonly timeLimit?: number;
  readonly strategy: readonly Strategy[];
  readonly mostPages: number;
  readonly seed: number;
  readonly svg?: string;
  readonly json?: boolean;
}

function linkChange(text: string, before: readonly LinkStep[]): LinkStep[] {
  const [time = '', bandwidth = ''] = text.split('=');
  const fromMs = duration(time);
  if (fromMs <= (before.at(-1)?.fromMs ?? 0))
    throw new InvalidArgumentError('changes are wanted in the order of time');
  return [...before, { fromMs, bytesPerSecond: rate(bandwidth) }];
}

function bursts(text: string): BurstsOptions {
  const [writing = '', idle = ''] = text.split('/');
  const options = { writingMs: duration(writing), idleMs: duration(idle) };
  if (options.writingMs <= 0) throw new InvalidArgumentError('a time of writing is wanted');
  return options;
}

function strategyList(text: string): Strategy[] {
  return text.split(',').map((name) => {
    const strategy = strategies.find((one) => one === name);
    if (strategy === undefined) throw new InvalidArgumentError(`there is no strategy ${name}`);
    return strategy;
  });
}

/** Adds all that can be said of a simulation. */
export function addSimulationOptions(command: Command): Command {
  return command
    .option('--memory <size>', 'of the guest', size, 4 * 2 ** 30)
    .option('--link <rate>', 'in bits (1Gb) or bytes (125MB) a second', rate, 125_000_000)
    .option('--link-change <time=rate>', 'another rate from then on; may be given again', linkChange, [])
    .option('--round-trip <ms>', 'of the link', number(0, 10_000), 0.2)
    .option('--window <size>', 'most bytes in flight', size, 8 * 2 ** 20)
    .option('--log-rate <rate>', 'what can be read of the dirty log; without it, anything', rate, Infinity)
    .addOption(new Option('--workload <name>').choices(workloadNames).default('zipf'))
    .option('--write-rate <rate>', 'at which pages are written', rate, 100_000_000)
    .option('--working-set <fraction>', 'of the memory that uniform and sweep write', number(1e-6, 1), 1)
    .option('--hot <fraction>', 'of the memory that is the hot spot', number(1e-6, 1), 0.1)
    .option('--hot-share <fraction>', 'of the writes that go there', number(0, 1), 0.9)
    .option('--skew <exponent>', 'of zipf', number(0, 4), 1)
    .option('--bursts <writing/idle>', 'writes only now and then, such as 2s/4s', bursts)
    .option('--trace <file>', 'a recorded guest instead: memory and writes come from there')
    .option('--downtime <ms>', 'for which the guest may stand still', duration, 300)
    .option('--overhead <ms>', 'of the downtime, whatever is left to send', duration, 50)
    .option(
      '--time-limit <time>',
      'for pre-copy; 10 times what all memory takes, and a minute, without it',
      duration,
    )
    .option('--strategy <names>', `of ${strategies.join(', ')}`, strategyList, [...strategies])
    .option('--most-pages <number>', 'that are simulated one by one', integer(1024, 2 ** 28), 2 ** 21)
    .option('--seed <number>', 'for everything random', integer(0, 2 ** 32 - 1), 1)
    .option('--svg <file>', 'draws the moves over time')
    .option('--json', 'the outcomes as one JSON object in the last line');
}
