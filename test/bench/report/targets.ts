import { gangTargets } from './gang-targets.js';
import { ratioOf, type Find } from './ratios.js';
import { storageTargets } from './storage-targets.js';
import { completes, type Summary } from './summary.js';
import { againstQemu, at, atMost, type Target } from './target.js';

/** Ratios to QEMU's plain pre-copy that pages on the wire, downtime and total time are wanted to have. */
const wantedRatios = [
  { scenario: 'write-intensive', link: 1000, pages: 0.5, downtime: 0.5, totalTime: 0.6 },
  { scenario: 'hotspot', link: 1000, pages: 0.5, downtime: 0.5, totalTime: 0.5 },
  { scenario: 'zipf', link: 200, pages: 0.5, downtime: 0.5, totalTime: 0.6 },
  { scenario: 'idle', link: 1000, pages: 1, downtime: 1, totalTime: 1 },
] as const;

const ratioFigures = [
  { figure: 'pages', title: 'pages on the wire' },
  { figure: 'downtime', title: 'downtime' },
  { figure: 'totalTime', title: 'total time' },
] as const;

/** Ratios to QEMU's plain pre-copy. */
function precopyTargets(find: Find): Target[] {
  return wantedRatios.flatMap(({ scenario, link, ...wanted }) => {
    const [ours, theirs] = [find(scenario, link, 'precopy'), find(scenario, link, 'qemu-precopy')];
    if (ours === undefined || theirs === undefined) return [];
    return ratioFigures.map(({ figure, title }) => ({
      name: `${at(scenario, link)}, precopy: ${title}`,
      ...againstQemu(figure, wanted[figure], ours, theirs),
    }));
  });
}

/** Everywhere that QEMU's pre-copy gives up, pageferry's comes to an end. */
function completionTargets(summaries: readonly Summary[], find: Find): Target[] {
  return summaries
    .filter((summary) => summary.method === 'qemu-precopy' && !completes(summary))
    .flatMap(({ scenario, link }) => {
      const ours = find(scenario, link, 'precopy');
      if (ours === undefined) return [];
      const unfinished = ours.runs - ours.completed;
      const name = `${at(scenario, link)}, precopy: runs given up, where QEMU gives up`;
      return [{ name, ...atMost(0, 'runs', unfinished) }];
    });
}

/** A better value of both, as far as they came to an end. */
function better(figure: 'totalTime', candidates: readonly (Summary | undefined)[]): Summary | undefined {
  return candidates
    .flatMap((candidate) => (candidate !== undefined && completes(candidate) ? [candidate] : []))
    .sort((a, b) => (a[figure]?.median ?? Infinity) - (b[figure]?.median ?? Infinity))[0];
}

/** What is wanted of hybrid in all scenarios. */
function hybridTargets(summaries: readonly Summary[], find: Find): Target[] {
  return summaries
    .filter(({ method, link }) => method === 'hybrid' && link !== null)
    .flatMap((ours) => {
      const { scenario, link } = ours;
      const [precopy, postcopy] = [
        find(scenario, link, 'qemu-precopy'),
        find(scenario, link, 'qemu-postcopy'),
      ];
      const content = ours.contentPages?.median ?? 0;
      const wanted: readonly (readonly [string, number, string, number | null])[] = [
        ['pages on the wire', 2, '× its pages', content === 0 ? null : (ours.pages?.median ?? 0) / content],
        ['downtime', 1, "× QEMU's post-copy", ratioOf('downtime', ours, postcopy)],
        [
          'total time',
          1,
          "× the better of QEMU's two",
          ratioOf('totalTime', ours, better('totalTime', [precopy, postcopy])),
        ],
      ];
      return wanted.flatMap(([title, limit, unit, measured]) => {
        if (measured === null) return [];
        const target = atMost(limit, unit, measured);
        const name = `${at(scenario, link)}, hybrid: ${title}`;
        return [{ ...target, name, reached: target.reached && completes(ours) }];
      });
    });
}

const quotient = (value: number | undefined, by: number | undefined): number | null =>
  value === undefined || by === undefined ? null : value / by;

/** The part of the guest's work that is done with theirs and not with ours, while each of both moves it. */
function lossOf(ours: Summary | undefined, theirs: Summary | undefined): number | null {
  const [own, other] = [ours?.slowDown?.median, theirs?.slowDown?.median];
  return own === undefined || other === undefined || other >= 1 ? null : 1 - (1 - own) / (1 - other);
}

/** Name, at most how much, unit, and what was measured. */
type Wanted = readonly [string, number, string, number | null | undefined];

function pageFilterWanted(find: Find): Wanted[] {
  const [freed, freedByQemu] = [find('freed', 1000, 'precopy'), find('freed', 1000, 'qemu-precopy')];
  const [cached, cachedByQemu] = [find('cached', 1000, 'hybrid'), find('cached', 1000, 'qemu-precopy')];
  return [
    ['freed, 1 Gb/s, precopy: total time', 0.28, '× QEMU', ratioOf('totalTime', freed, freedByQemu)],
    ['freed, 1 Gb/s, precopy: bytes on the wire', 0.28, '× QEMU', ratioOf('bytes', freed, freedByQemu)],
    [
      'raw speed, precopy: total time, when looking into the guest brings nothing',
      1.05,
      '× without',
      ratioOf('totalTime', find('raw-speed', null, 'precopy'), find('raw-speed', null, 'precopy-unfiltered')),
    ],
    [
      'cached, 1 Gb/s, hybrid: until it runs on the destination',
      0.5,
      "× QEMU's total time",
      quotient(cached?.running?.median, cachedByQemu?.totalTime?.median),
    ],
    [
      'cached, 1 Gb/s, hybrid: throughput lost by who reads the cache',
      0.1,
      "× QEMU's post-copy",
      lossOf(cached, find('cached', 1000, 'qemu-postcopy')),
    ],
  ];
}

function otherTargets(summaries: readonly Summary[], find: Find): Target[] {
  // For a gang a daemon may have as much more as it is allowed for contents.
  const single = summaries.filter(({ gang }) => gang === null);
  const peaks = single.flatMap(({ daemonPeakBytes }) => daemonPeakBytes ?? []);
  const wanted: readonly Wanted[] = [
    [
      'raw speed, precopy: total time',
      1.5,
      '× QEMU',
      ratioOf('totalTime', find('raw-speed', null, 'precopy'), find('raw-speed', null, 'qemu-precopy')),
    ],
    ['idle, 1 Gb/s, precopy: downtime', 100, 'ms', find('idle', 1000, 'precopy')?.downtime?.median],
    [
      'idle, 1 Gb/s, 512 MiB, postcopy: downtime',
      150,
      'ms',
      find('idle', 1000, 'postcopy')?.downtime?.median,
    ],
    ['large, 4 GiB, postcopy: downtime', 150, 'ms', find('large', null, 'postcopy')?.downtime?.median],
    [
      "write-intensive, 1 Gb/s, postcopy: the guest's longest gap",
      1,
      "× QEMU's post-copy",
      ratioOf(
        'guestGap',
        find('write-intensive', 1000, 'postcopy'),
        find('write-intensive', 1000, 'qemu-postcopy'),
      ),
    ],
    ...pageFilterWanted(find),
    ['memory of a daemon', 300, 'MiB', peaks.length === 0 ? null : Math.max(...peaks) / 1024 / 1024],
  ];
  return wanted.flatMap(([name, limit, unit, measured]) =>
    measured === null || measured === undefined ? [] : [{ name, ...atMost(limit, unit, measured) }],
  );
}

export interface Targets {
  readonly precopy: readonly Target[];
  readonly hybrid: readonly Target[];
  readonly gang: readonly Target[];
  readonly storage: readonly Target[];
  readonly other: readonly Target[];
}

/** All that can be judged by what has been measured. */
export function targetsOf(summaries: readonly Summary[], find: Find): Targets {
  return {
    precopy: [...precopyTargets(find), ...completionTargets(summaries, find)],
    hybrid: hybridTargets(summaries, find),
    gang: gangTargets(summaries),
    storage: storageTargets(find),
    other: otherTargets(summaries, find),
  };
}
