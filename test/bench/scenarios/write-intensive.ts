import { allMethods, megabytesPerSecond, methodsForWords, shapedLinks, type Scenario } from '../scenario.js';
import { hotSetLoad } from './hot-set.js';

/** A quarter of RAM. */
const hotMiB = 128;
/** Of the link's speed. */
const factor = 1.05;

function writeIntensive(extent: 'whole' | 'words'): Omit<Scenario, 'name' | 'methods'> {
  return {
    purpose: "A quarter of RAM rewritten at 1.05 times the link's speed, the rest slowly",
    memoryMiB: 512,
    links: shapedLinks,
    load: (link) => hotSetLoad({ hotMiB, hotMegabytesPerSecond: factor * megabytesPerSecond(link), extent }),
  };
}

export const writeIntensiveScenarios: readonly Scenario[] = [
  { name: 'write-intensive', methods: allMethods, ...writeIntensive('whole') },
  { name: 'write-intensive-words', methods: methodsForWords, ...writeIntensive('words') },
];
