import type { Report } from './report.js';

/** Why a figure is where it is: of kinds of targets, by how their names end. */
const limits: readonly (readonly [string, string])[] = [
  [
    'precopy: total time',
    'An idle guest on a fast link: the preflight of both machines and one more look at the dirty log take about 0.2 s that ' +
      "QEMU's own migration does not spend; and, without a limit on the link, each page crosses two processes more on " +
      'processors that all of them share.',
  ],
  [
    'precopy: downtime',
    'A set that is rewritten faster than the link carries it cannot be kept clean: of one that is rewritten round and round ' +
      'at twice the speed of the link half is dirty at any moment, whoever orders the pages. A stop that is forced has to ' +
      "send that half; QEMU's downtime is that of the runs that it completed.",
  ],
  [
    'hybrid: downtime',
    'The pages that went before and were rewritten have to be discarded while the guest is stopped, range by range, by the ' +
      "destination's QEMU; a post-copy from the start has none. To discard them earlier is not safe: whatever reads such a " +
      'page before it is registered maps a page of zeroes.',
  ],
  [
    'hybrid: total time',
    'Hybrid sends the hot pages twice where a post-copy sends them once, so that the guest waits for fewer of them: see its ' +
      'longest gap.',
  ],
  [
    'hybrid: until it runs on the destination',
    'QEMU writes every page once in its first pass, also those that are left out or put off, on processors that a guest which ' +
      'reads its cache all the time and both daemons share with it: that takes longer than the link needs for the rest.',
  ],
];

/** As {@link limits}, for guests that leave together. */
const gangLimits: readonly (readonly [string, string])[] = [
  [
    ': bytes on the wire',
    "What each guest has of its own: its page tables and slabs, the array of its page structures, and a kernel's text and data whose " +
      'addresses were drawn at random when it booted.',
  ],
  [
    ', gang-hybrid: total time',
    "Before a post-copy QEMU gives all of the memory back that it had reserved, and this machine's own host takes it: each page is touched " +
      'anew at up to 13 µs of the processors, which are what limits; the destination takes about twice the processor time of a pre-copy.',
  ],
  [
    ': total time',
    "On two processors that both hosts share, processor time is what limits: the destination's QEMUs take every page, however it " +
      "came, the source's write every page once, and the daemons compare and copy, beside the emulated processors of guests that work. " +
      'The same work takes them more than half as long again at some times of the day, which the link does not: one that is slower shows ' +
      'what the bytes spared are worth.',
  ],
  [': mean downtime', 'The last pages of a guest that writes all the time are its own.'],
];

/** As {@link limits}, for page cache from shared storage. */
const storageLimits: readonly (readonly [string, string])[] = [
  [
    ': total time',
    'Over a fast link processor time is what limits, on two processors that the guest, who reads its cache all the time, both QEMUs, both ' +
      "daemons and the storage's two servers share: QEMU's first pass writes every page once, and reading a page from storage takes more of " +
      'it than taking it from the network.',
  ],
  [
    ': bytes on the wire',
    'What the network has room for meanwhile goes over it, also page cache, so that storage holds nothing up.',
  ],
  [
    ': throughput lost after the switch-over',
    'The 30 s begin with the post-copy, in which the guest waits for some of its pages, and shares the processors with all that brings them; ' +
      'and what an emulated guest gets done in 30 s differs between the runs by more than what is allowed, before the migration, too.',
  ],
];

/** Says of what was not reached why. */
export function limitSection({ precopy, hybrid, gang, storage, other }: Report['targets']): string[] {
  const isMissed = ({ reached }: { readonly reached: boolean }): boolean => !reached;
  const single = [...precopy, ...hybrid, ...other].filter(isMissed);
  const lines = [
    ...linesOf(limits, '', single),
    ...linesOf(gangLimits, 'gangs', gang.filter(isMissed)),
    ...linesOf(storageLimits, 'storage', storage.filter(isMissed)),
  ];
  return lines.length === 0 ? [] : ['', '### What limits the figures that are not reached', '', ...lines];
}

function linesOf(
  known: readonly (readonly [string, string])[],
  kind: string,
  missed: readonly { readonly name: string }[],
): string[] {
  return known
    .filter(([ending]) => missed.some(({ name }) => name.endsWith(ending)))
    .map(([ending, why]) => `- _${kind}${ending}_: ${why}`);
}
