import { usualWeight } from '../../environment/processor-weight.js';
import type { Link } from '../link.js';
import type { Run } from '../run.js';
import { aroundSummaryOf, type AroundSummary } from './around-summary.js';
import { gangSummaryOf, type GangSummary } from './gang-summary.js';
import { spreadOf, type Spread } from './spread.js';

/** What is told of each method; lower is better in all of them. */
export const figures = ['pages', 'bytes', 'downtime', 'totalTime', 'guestGap', 'slowDown', 'cpu'] as const;
export type Figure = (typeof figures)[number];

/** All runs of one scenario over one link by one method. Times in ms; `slowDown` is the part of the work not done. */
export interface Summary extends Readonly<Record<Figure, Spread | null>> {
  readonly scenario: string;
  readonly link: Link;
  readonly method: string;
  readonly runs: number;
  readonly completed: number;
  readonly reportedDowntime: Spread | null;
  /** Until the guest runs there. */
  readonly running: Spread | null;
  readonly pageRequests: Spread | null;
  readonly contentPages: Spread | null;
  readonly sourceCpu: Spread | null;
  readonly destinationCpu: Spread | null;
  readonly daemonPeakBytes: number | null;
  /** Fewest guests that the daemons of a run had moved before; null where none take part. */
  readonly movedBefore: number | null;
  /** The daemons' least in any run, as systemd's CPUWeight; null where none take part. */
  readonly processorWeight: number | null;
  /** In all runs the destination's QEMU had touched all of the guest's memory before. */
  readonly memoryReserved: boolean;
  /** What the destination has received from the storage host, bytes. */
  readonly storageBytes: Spread | null;
  readonly around: AroundSummary | null;
  readonly gang: GangSummary | null;
}

type Key = Pick<Run, 'scenario' | 'link' | 'method'>;

export const keyOf = ({ scenario, link, method }: Key): string => JSON.stringify([scenario, link, method]);

export const completes = ({ runs, completed }: Pick<Summary, 'runs' | 'completed'>): boolean =>
  completed === runs;

/** One summary for each scenario, link and method, in the order of their first runs. */
export function summarize(runs: readonly Run[]): Summary[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = keyOf(run);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].flatMap(summaryOf);
}

function slowDownOf({ rate, undisturbedRate }: Run): number | null {
  return rate === null || undisturbedRate === 0 ? null : 1 - rate / undisturbedRate;
}

function cpuOf({ sourceCpuMs, destinationCpuMs }: Run): number | null {
  return sourceCpuMs === null || destinationCpuMs === null ? null : sourceCpuMs + destinationCpuMs;
}

function summaryOf(runs: readonly Run[]): Summary[] {
  const [first] = runs;
  if (first === undefined) return [];
  const of = (figure: (run: Run) => number | null): Spread | null =>
    spreadOf(runs.flatMap((run) => figure(run) ?? []));
  const peaks = runs.flatMap(({ daemonPeakBytes }) => daemonPeakBytes ?? []);
  return [
    {
      scenario: first.scenario,
      link: first.link,
      method: first.method,
      runs: runs.length,
      completed: runs.filter(({ completed }) => completed).length,
      pages: of(({ pages }) => pages),
      bytes: of(({ wireBytes }) => wireBytes),
      downtime: of(({ downtimeMs }) => downtimeMs),
      reportedDowntime: of(({ reportedDowntimeMs }) => reportedDowntimeMs),
      running: of(({ runningMs }) => runningMs ?? null),
      totalTime: of(({ totalMs }) => totalMs),
      guestGap: of(({ guestGapMs }) => guestGapMs),
      slowDown: of(slowDownOf),
      cpu: of(cpuOf),
      sourceCpu: of(({ sourceCpuMs }) => sourceCpuMs),
      destinationCpu: of(({ destinationCpuMs }) => destinationCpuMs),
      pageRequests: of(({ pageRequests }) => pageRequests),
      contentPages: of(({ contentPages }) => contentPages),
      daemonPeakBytes: peaks.length === 0 ? null : Math.max(...peaks),
      movedBefore: peaks.length === 0 ? null : Math.min(...runs.map(({ movedBefore }) => movedBefore ?? 0)),
      processorWeight:
        peaks.length === 0 ? null : Math.min(...runs.map((run) => run.processorWeight ?? usualWeight)),
      memoryReserved: runs.every(({ memoryReserved }) => memoryReserved === true),
      storageBytes: of(({ storageBytes }) => storageBytes ?? null),
      around: aroundSummaryOf(runs),
      gang: gangSummaryOf(runs),
    },
  ];
}
