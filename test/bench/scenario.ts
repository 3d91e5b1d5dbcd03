import type { Link } from './link.js';
import type { Load } from './load.js';
import type { Method } from './method.js';

/** What a benchmark moves. */
export interface Scenario {
  readonly name: string;
  /** What it is there to show, in the words of the document. */
  readonly purpose: string;
  /** How many such guests move; one by default. */
  readonly guests?: number;
  /** Between two heartbeats, by which gaps are seen, ms; 2 by default. Those of many guests would take a processor for themselves. */
  readonly beatMs?: number;
  readonly memoryMiB: number;
  /** Over which it is measured. */
  readonly links: readonly Link[];
  /** By which it is measured, in this order. */
  readonly methods: readonly Method[];
  /**
   * How fast each host's link to a third one is, which exports the guest's disk; without it there is no such host. While the
   * guest gets ready it is not limited.
   */
  readonly storage?: (link: Link) => Link;
  /**
   * How long the guest's work and its reads from its disk are looked at, before the migration and again from when it runs on the
   * destination, ms; without it they are not.
   */
  readonly aroundMs?: number;
  /** @param index of the guest among those that move */
  load(link: Link, index: number): Load;
}

/** Of a link, 10^6 bytes a second, headers included. */
export const megabytesPerSecond = (link: Link): number => (link ?? 0) / 8;

export const shapedLinks: readonly Link[] = [1000, 200];

/** Everything that the guests of the large scenarios are moved by. */
export const allMethods: readonly Method[] = [
  'qemu-precopy',
  'precopy',
  'qemu-xbzrle',
  'hybrid',
  'qemu-multifd-zstd',
  'postcopy',
  'qemu-auto-converge',
  'qemu-postcopy',
];

/** By which several guests are moved. */
export const gangMethods: readonly Method[] = [
  'qemu-together',
  'gang-precopy',
  'qemu-in-turn',
  'gang-precopy-prepared',
  'gang-hybrid',
];

/** For guests of which is told what they do before and after. */
export const methodsAroundSwitchOver: readonly Method[] = [
  'qemu-precopy',
  'precopy',
  'precopy-without-storage',
  'precopy-drop-cache',
  'qemu-postcopy',
  'hybrid',
  'hybrid-without-storage',
];

/** For guests that change a few words of a page. */
export const methodsForWords: readonly Method[] = [...allMethods, 'qemu-xbzrle-512m'];
