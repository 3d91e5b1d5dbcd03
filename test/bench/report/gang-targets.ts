import { baselineOf } from './ratios.js';
import type { Summary } from './summary.js';
import { againstQemu, at, atMost, type Target } from './target.js';

/** Ratios to that one of QEMU's methods which is through sooner. */
const wantedRatios = [
  { scenario: 'gang-idle', figure: 'bytes', wanted: 0.25 },
  { scenario: 'gang-idle', figure: 'totalTime', wanted: 0.4 },
  { scenario: 'gang-busy', figure: 'bytes', wanted: 0.5 },
  { scenario: 'gang-busy', figure: 'totalTime', wanted: 0.6 },
  { scenario: 'gang-busy', figure: 'downtime', wanted: 0.5 },
  { scenario: 'gang-mixed', figure: 'totalTime', wanted: 1.02 },
] as const;

const titles = { bytes: 'bytes on the wire', totalTime: 'total time', downtime: 'mean downtime' } as const;
const methods: readonly string[] = ['gang-precopy', 'gang-precopy-prepared', 'gang-hybrid'];
/** Of the guests' work, while they are prepared. */
const mostSlowDown = 0.06;

/** What is wanted of guests that leave together. */
export function gangTargets(summaries: readonly Summary[]): Target[] {
  return [...ratioTargets(summaries), ...preparationTargets(summaries)];
}

/** Guests hardly notice that they are prepared. */
function preparationTargets(summaries: readonly Summary[]): Target[] {
  return summaries.flatMap(({ scenario, link, gang }) => {
    const slowDown = gang?.preparedSlowDown?.median;
    if (slowDown === undefined) return [];
    return [
      {
        name: `${at(scenario, link)}: slow-down while \`prepare\` runs`,
        ...atMost(mostSlowDown, '× the work', slowDown),
      },
    ];
  });
}

function ratioTargets(summaries: readonly Summary[]): Target[] {
  return wantedRatios.flatMap(({ scenario, figure, wanted }) =>
    summaries
      .filter((summary) => summary.scenario === scenario && methods.includes(summary.method))
      .flatMap((ours) => {
        const theirs = baselineOf(summaries, ours);
        if (theirs === undefined) return [];
        const name = `${at(scenario, ours.link)}, ${ours.method}: ${titles[figure]}`;
        return [{ name, ...againstQemu(figure, wanted, ours, theirs, `× ${theirs.method}`) }];
      }),
  );
}
