import { allMethods, megabytesPerSecond, methodsForWords, shapedLinks, type Scenario } from '../scenario.js';
import { writerLoad } from '../writer-load.js';

const fillMiB = 384;
/** Of the link's speed. Most writes meet pages that have been changed just before: far fewer than these are dirtied. */
const factor = 2;

function zipf(extent: 'whole' | 'words'): Omit<Scenario, 'name' | 'methods'> {
  return {
    purpose: 'Skewed writes over all of RAM',
    memoryMiB: 512,
    links: shapedLinks,
    load: (link) => {
      const rate = factor * megabytesPerSecond(link);
      return writerLoad({
        description:
          `${fillMiB} MiB of incompressible pages, of which such that come to ${rate.toFixed(0)} MB/s are rewritten ` +
          `${extent === 'whole' ? 'as a whole' : 'in 10 of 512 words'}: of 12288 runs of 8 pages, scattered over the ` +
          'memory, the r-th is met 1/r times as often as the first (Zipf, exponent 1), its pages all alike',
        fillMiB,
        plans: [{ megabytesPerSecond: rate, pattern: 'zipf', extent }],
      });
    },
  };
}

export const zipfScenarios: readonly Scenario[] = [
  { name: 'zipf', methods: allMethods, ...zipf('whole') },
  { name: 'zipf-words', methods: methodsForWords, ...zipf('words') },
];
