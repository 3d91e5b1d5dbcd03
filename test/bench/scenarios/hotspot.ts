import { allMethods, megabytesPerSecond, methodsForWords, shapedLinks, type Scenario } from '../scenario.js';
import { hotSetLoad } from './hot-set.js';

/** What the link carries in about half a second: more than the downtime limit lets a pre-copy leave to the end. */
const hotMiBPerMegabit = 0.064;
/** Of the link's speed. */
const factor = 2;

function hotspot(extent: 'whole' | 'words'): Omit<Scenario, 'name' | 'methods'> {
  return {
    purpose: "A small part of RAM rewritten at twice the link's speed, the rest slowly",
    memoryMiB: 512,
    links: shapedLinks,
    load: (link) =>
      hotSetLoad({
        hotMiB: hotMiBPerMegabit * (link ?? 0),
        hotMegabytesPerSecond: factor * megabytesPerSecond(link),
        extent,
      }),
  };
}

export const hotspotScenarios: readonly Scenario[] = [
  { name: 'hotspot', methods: allMethods, ...hotspot('whole') },
  { name: 'hotspot-words', methods: methodsForWords, ...hotspot('words') },
];
