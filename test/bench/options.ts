import { Command, InvalidArgumentError } from 'commander';
import { linkName, parseLink, type Link } from './link.js';
import { baselines, isMethod, methods, type Method } from './method.js';
import type { Measurement } from './measure.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';

export interface Options {
  /** All runs in their order: the methods take turns. */
  readonly measurements: readonly Measurement[];
  /** Of how many runs of each method they are. */
  readonly runs: number;
  readonly json: boolean;
  readonly save: string | undefined;
  readonly writeDocs: boolean;
}

interface Flags {
  readonly scenario?: readonly Scenario[];
  readonly link?: readonly Link[];
  readonly method?: readonly Method[];
  readonly runs?: number;
  readonly baseline: boolean;
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly save?: string;
  readonly writeDocs?: boolean;
}

const defaultRuns = 3;
/** One scenario and few methods: under two minutes. */
const quick = {
  scenarios: scenarios.filter(({ name }) => name === 'idle'),
  links: [1000],
  methods: ['qemu-precopy', 'precopy', 'hybrid', 'qemu-postcopy', 'postcopy'],
  runs: 1,
} as const;

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('a positive whole number is wanted');
  return value;
}

/** Reads a list of names with commas between them. */
const list =
  <T>(what: string, parse: (name: string) => T | undefined) =>
  (text: string): T[] =>
    text.split(',').map((name) => {
      const value = parse(name);
      if (value === undefined) throw new InvalidArgumentError(`there is no ${what} ${name}`);
      return value;
    });

const scenarioNames = scenarios.map(({ name }) => name).join(', ');
const links = [...new Set(scenarios.flatMap((scenario) => scenario.links))];

function parseFlags(): Flags {
  return new Command('npm run bench --')
    .description(
      "Measures pageferry side by side with QEMU's own migration: real guests, the same work and link, in turn.",
    )
    .option(
      '--scenario <names>',
      `of ${scenarioNames}`,
      list('scenario', (name) => scenarios.find((scenario) => scenario.name === name)),
    )
    .option('--link <links>', `of ${links.map(linkName).join(', ')}`, list('link', parseLink))
    .option(
      '--method <names>',
      `of ${methods.join(', ')}`,
      list('method', (name) => (isMethod(name) ? name : undefined)),
    )
    .option('--no-baseline', `${baselines.join(', ')} only if among the methods`)
    .option('--runs <number>', `of each method; ${defaultRuns} by default`, positiveInteger)
    .option('--quick', 'one scenario and few methods, once: under two minutes')
    .option('--json', 'the report as one JSON object in the last line')
    .option('--save <file>', 'puts the results into this file, in place of older ones of the same kind')
    .option('--write-docs', 'puts the results into docs/benchmarks, and writes docs/benchmarks.md anew')
    .parse()
    .opts<Flags>();
}

export function readOptions(): Options {
  const flags = parseFlags();
  const chosen = flags.quick === true ? quick : undefined;
  const wantedLinks: readonly Link[] | undefined = flags.link ?? chosen?.links;
  const wantedMethods: readonly Method[] | undefined = flags.method ?? chosen?.methods;
  const isWanted = (method: Method): boolean =>
    wantedMethods === undefined ||
    wantedMethods.includes(method) ||
    (flags.baseline && baselines.includes(method));
  const runs = flags.runs ?? chosen?.runs ?? defaultRuns;
  const measurements = (flags.scenario ?? chosen?.scenarios ?? scenarios).flatMap((scenario) =>
    scenario.links
      .filter((link) => wantedLinks?.includes(link) ?? true)
      .flatMap((link) =>
        Array.from({ length: runs }).flatMap(() =>
          scenario.methods.filter(isWanted).map((method) => ({ scenario, link, method })),
        ),
      ),
  );
  return {
    measurements,
    runs,
    json: flags.json ?? false,
    save: flags.save,
    writeDocs: flags.writeDocs ?? false,
  };
}
