import { allMethods, megabytesPerSecond, methodsForWords, shapedLinks, type Scenario } from '../scenario.js';
import type { Link } from '../link.js';
import { hotSetLoad } from './hot-set.js';

/** A quarter of RAM. */
const hotMiB = 128;
/** Bytes of the pages that are dirtied within the downtime limit, over what the link carries meanwhile. */
const dirtiedFactor = 1.05;
const downtimeLimitSeconds = 0.3;

/** The rate of writes, 10^6 bytes a second, that dirties so much: some of them meet pages that are dirty already. */
function writeRate(link: Link): number {
  const hotMegabytes = (hotMiB * 1024 * 1024) / 1e6;
  const dirtied = dirtiedFactor * megabytesPerSecond(link) * downtimeLimitSeconds;
  return (-hotMegabytes * Math.log(1 - dirtied / hotMegabytes)) / downtimeLimitSeconds;
}

function writeIntensive(extent: 'whole' | 'words'): Omit<Scenario, 'name' | 'methods'> {
  return {
    purpose:
      "A quarter of RAM dirtied at about the link's speed (within 300 ms 1.05 times what the link carries), the rest slowly",
    memoryMiB: 512,
    links: shapedLinks,
    load: (link) => hotSetLoad({ hotMiB, hotMegabytesPerSecond: writeRate(link), extent }),
  };
}

export const writeIntensiveScenarios: readonly Scenario[] = [
  { name: 'write-intensive', methods: allMethods, ...writeIntensive('whole') },
  { name: 'write-intensive-words', methods: methodsForWords, ...writeIntensive('words') },
];
