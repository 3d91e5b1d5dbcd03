import { cpus } from 'node:os';
import type { Run } from './measure.js';
import type { Method, Scenario } from './scenarios.js';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

type Figure = 'totalMs' | 'downtimeMs' | 'guestGapMs' | 'wireBytes' | 'pages' | 'pageRequests' | 'cpuMs';

export interface Summary extends Readonly<Record<Figure, Spread>> {
  readonly scenario: string;
  readonly method: Method;
  readonly runs: number;
  readonly completed: number;
  readonly daemonPeakBytes: number | null;
}

/** A method's medians over those of another one in the same scenario. */
export interface Ratio extends Readonly<Record<Figure, number | null>> {
  readonly scenario: string;
  readonly method: Method;
  readonly baseline: Method;
}

export interface Target {
  readonly name: string;
  readonly wanted: string;
  readonly measured: number | null;
  readonly reached: boolean;
}

export interface Report {
  readonly machine: { readonly processors: number; readonly accelerator: string; readonly node: string };
  readonly results: readonly Run[];
  readonly summaries: readonly Summary[];
  readonly ratios: readonly Ratio[];
  readonly targets: readonly Target[];
}

export function report(scenarios: readonly Scenario[], results: readonly Run[]): Report {
  const summaries = scenarios.flatMap(({ name, methods }) =>
    methods.flatMap((method) => summarize(name, method, results)),
  );
  const ratios = summaries.flatMap((summary) => ratioOf(summary, summaries));
  return {
    machine: { processors: cpus().length, accelerator: 'tcg', node: process.version },
    results,
    summaries,
    ratios,
    targets: targets(summaries, ratios),
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
  return { median, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
}

function summarize(scenario: string, method: Method, results: readonly Run[]): Summary[] {
  const runs = results.filter((run) => run.scenario === scenario && run.method === method);
  if (runs.length === 0) return [];
  const of = (figure: Figure): Spread => spread(runs.flatMap((run) => run[figure] ?? []));
  const peaks = runs.flatMap(({ daemonPeakBytes }) => daemonPeakBytes ?? []);
  return [
    {
      scenario,
      method,
      runs: runs.length,
      completed: runs.filter(({ completed }) => completed).length,
      totalMs: of('totalMs'),
      downtimeMs: of('downtimeMs'),
      guestGapMs: of('guestGapMs'),
      wireBytes: of('wireBytes'),
      pages: of('pages'),
      pageRequests: of('pageRequests'),
      cpuMs: of('cpuMs'),
      daemonPeakBytes: peaks.length === 0 ? null : Math.max(...peaks),
    },
  ];
}

/** Post-copy is compared with QEMU's post-copy where that was measured, everything else with its pre-copy. */
function ratioOf(summary: Summary, summaries: readonly Summary[]): Ratio[] {
  const { scenario, method } = summary;
  if (method.startsWith('qemu-')) return [];
  const candidates: readonly Method[] =
    method === 'postcopy' ? ['qemu-postcopy', 'qemu-precopy'] : ['qemu-precopy'];
  const baseline = candidates
    .map((name) => summaries.find((other) => other.scenario === scenario && other.method === name))
    .find((found) => found !== undefined);
  if (baseline === undefined) return [];
  const of = (figure: Figure): number | null =>
    baseline[figure].median === 0 ? null : summary[figure].median / baseline[figure].median;
  return [
    {
      scenario,
      method,
      baseline: baseline.method,
      totalMs: of('totalMs'),
      downtimeMs: of('downtimeMs'),
      guestGapMs: of('guestGapMs'),
      wireBytes: of('wireBytes'),
      pages: of('pages'),
      pageRequests: of('pageRequests'),
      cpuMs: of('cpuMs'),
    },
  ];
}

function targets(summaries: readonly Summary[], ratios: readonly Ratio[]): Target[] {
  const median = (scenario: string, method: Method, figure: Figure): number | null =>
    summaries.find((s) => s.scenario === scenario && s.method === method)?.[figure].median ?? null;
  const ratio = (scenario: string, method: Method, figure: Figure): number | null =>
    ratios.find((r) => r.scenario === scenario && r.method === method)?.[figure] ?? null;
  const peaks = summaries.flatMap(({ daemonPeakBytes }) => daemonPeakBytes ?? []);
  const wanted: readonly (readonly [string, number | null, number, string])[] = [
    ['raw speed: total time of pre-copy, × QEMU', ratio('raw-speed', 'precopy', 'totalMs'), 1.5, ''],
    ['idle guest: downtime of pre-copy', median('idle', 'precopy', 'downtimeMs'), 100, ' ms'],
    ['post-copy, 512 MiB: stop to running', median('idle', 'postcopy', 'downtimeMs'), 150, ' ms'],
    ['post-copy, 4 GiB: stop to running', median('large', 'postcopy', 'downtimeMs'), 150, ' ms'],
    ['post-copy, 1 Gb/s: longest gap, × QEMU post-copy', ratio('writing', 'postcopy', 'guestGapMs'), 1, ''],
    ['memory of a daemon', peaks.length === 0 ? null : Math.max(...peaks) / 1024 / 1024, 300, ' MiB'],
  ];
  return wanted
    .filter(([, measured]) => measured !== null)
    .map(([name, measured, limit, unit]) => ({
      name,
      wanted: `at most ${limit}${unit}`,
      measured,
      reached: measured !== null && measured <= limit,
    }));
}

const ms = ({ median, min, max }: Spread): string =>
  `${median.toFixed(0)} (${min.toFixed(0)}–${max.toFixed(0)})`;
const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0);
const factor = (value: number | null): string => (value === null ? '–' : value.toFixed(2));

/** The report as Markdown: what stands in docs/benchmarks.md, and on the terminal. */
export function toMarkdown(
  scenarios: readonly Scenario[],
  { machine, summaries, ratios, targets: all }: Report,
): string {
  const lines = [
    '# Benchmarks',
    '',
    'Generated by `npm run bench -- --write-docs`: do not edit. Medians, with the smallest and the largest run in brackets.',
    `Measured on ${machine.processors} processors that both QEMUs and both daemons share, accelerator ${machine.accelerator}, Node ${machine.node}.`,
    '"Gap" is the longest time in which the guest\'s own workload made no progress, on the host\'s clock. The guest checked all of',
    'its memory after every run.',
    '',
    '## What is wanted',
    '',
    '| | wanted | measured | |',
    '|---|---|---|---|',
    ...all.map(
      ({ name, wanted, measured, reached }) =>
        `| ${name} | ${wanted} | ${measured?.toFixed(2) ?? '–'} | ${reached ? 'reached' : 'not reached'} |`,
    ),
  ];
  for (const { name, purpose, megabitsPerSecond, memoryMiB, fillMiB, megabytesPerSecond } of scenarios) {
    const rows = summaries.filter(({ scenario }) => scenario === name);
    if (rows.length === 0) continue;
    const link = megabitsPerSecond === undefined ? 'an unshaped link' : `${megabitsPerSecond} Mb/s`;
    lines.push(
      '',
      `## ${name}: ${purpose}`,
      '',
      `${memoryMiB} MiB, ${fillMiB} MiB of it filled, rewriting ${megabytesPerSecond} MB/s, over ${link}.`,
      '',
      '| method | completed | total ms | downtime ms | gap ms | MiB sent | page requests | CPU ms | daemon MiB |',
      '|---|---|---|---|---|---|---|---|---|',
      ...rows.map(
        (row) =>
          `| ${row.method} | ${row.completed}/${row.runs} | ${ms(row.totalMs)} | ${ms(row.downtimeMs)} | ${ms(row.guestGapMs)} ` +
          `| ${mebibytes(row.wireBytes.median)} | ${row.pageRequests.median.toFixed(0)} | ${ms(row.cpuMs)} ` +
          `| ${row.daemonPeakBytes === null ? '–' : mebibytes(row.daemonPeakBytes)} |`,
      ),
      '',
      ...ratios
        .filter(({ scenario }) => scenario === name)
        .map(
          (r) =>
            `- \`${r.method}\` over \`${r.baseline}\`: total ${factor(r.totalMs)}, downtime ${factor(r.downtimeMs)}, ` +
            `gap ${factor(r.guestGapMs)}, bytes ${factor(r.wireBytes)}, CPU ${factor(r.cpuMs)}`,
        ),
    );
  }
  return `${lines.join('\n')}\n`;
}
