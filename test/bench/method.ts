import { modes, type Mode } from '../agents/migration.js';
import type { QemuMigrationMethod } from '../hosts/qemu-migration.js';

/** What moves a guest, and how the document calls it. */
export interface Mover {
  readonly title: string;
  readonly mode?: Mode;
  /** The guest is not looked into. */
  readonly unfiltered?: boolean;
  readonly qemu?: QemuMigrationMethod;
  /** Nothing of the guest's memory is read from the disk that both hosts share. */
  readonly withoutStorage?: boolean;
  /** The guest forgets its page cache just before. */
  readonly dropCache?: boolean;
  /** What the guests have in common has been found out beforehand. */
  readonly prepared?: boolean;
  /** It is the first that its daemons move. */
  readonly first?: boolean;
  /** It moves all guests of a gang. */
  readonly gang?: 'together' | 'in-turn';
  /** The guest has a balloon whose driver tells QEMU which pages are free. */
  readonly freePageHints?: boolean;
}

const movers = {
  precopy: {
    mode: 'precopy',
    title: 'pageferry, pre-copy; the guest is stopped for the rest when more rounds gain nothing',
  },
  'precopy-first': {
    mode: 'precopy',
    first: true,
    title: 'pageferry, pre-copy, of the first guest that its daemons move',
  },
  'precopy-unfiltered': {
    mode: 'precopy',
    unfiltered: true,
    title: 'pageferry, pre-copy that does not look into the guest',
  },
  'precopy-without-storage': {
    mode: 'precopy',
    withoutStorage: true,
    title: 'pageferry, pre-copy that sends the page cache, too, which it could read from shared storage',
  },
  'precopy-drop-cache': {
    mode: 'precopy',
    withoutStorage: true,
    dropCache: true,
    title:
      'pageferry, pre-copy that sends all that there is of a guest which drops its page cache just before',
  },
  hybrid: { mode: 'hybrid', title: 'pageferry, pre-copy and then post-copy' },
  'hybrid-without-storage': {
    mode: 'hybrid',
    withoutStorage: true,
    title: 'pageferry, pre-copy and then post-copy, that sends the page cache, too',
  },
  postcopy: { mode: 'postcopy', title: 'pageferry, post-copy from the first byte' },
  'qemu-precopy': { qemu: 'precopy', title: "QEMU's pre-copy as it is by default" },
  'qemu-xbzrle': { qemu: 'xbzrle', title: "QEMU's pre-copy with xbzrle, its cache of 64 MiB as by default" },
  'qemu-xbzrle-512m': {
    qemu: 'xbzrle-512m',
    title: "QEMU's pre-copy with xbzrle, its cache of 512 MiB, which holds the whole guest",
  },
  'qemu-multifd-zstd': {
    qemu: 'multifd-zstd',
    title: "QEMU's pre-copy with multifd, 2 channels, and zstd at its default level",
  },
  'qemu-auto-converge': {
    qemu: 'auto-converge',
    title: "QEMU's pre-copy with auto-converge, which slows the guest down, as it is by default",
  },
  'qemu-free-page-hints': {
    qemu: 'precopy',
    freePageHints: true,
    title: "QEMU's pre-copy with free-page hints of the balloon's driver in the guest",
  },
  'qemu-postcopy': { qemu: 'postcopy', title: "QEMU's post-copy, started at once" },
  'gang-precopy': {
    mode: 'precopy',
    gang: 'together',
    title: 'pageferry, all guests as a gang, each by pre-copy',
  },
  'gang-precopy-first': {
    mode: 'precopy',
    gang: 'together',
    first: true,
    title: 'pageferry, all guests as a gang, each by pre-copy, of the first guests that its daemons move',
  },
  'gang-precopy-prepared': {
    mode: 'precopy',
    gang: 'together',
    prepared: true,
    title: 'pageferry, all guests as a gang, each by pre-copy, after a preparation',
  },
  'gang-hybrid': {
    mode: 'hybrid',
    gang: 'together',
    title: 'pageferry, all guests as a gang, each by pre-copy and then post-copy',
  },
  'qemu-together': {
    qemu: 'precopy',
    gang: 'together',
    title: "QEMU's pre-copy of all guests, started at the same time",
  },
  'qemu-in-turn': {
    qemu: 'precopy',
    gang: 'in-turn',
    title: "QEMU's pre-copy of all guests, one after the other",
  },
} as const satisfies Record<string, Mover>;

export type Method = keyof typeof movers;

/** What everything is compared with: of those by which a scenario was measured, the one that is through soonest. */
export const baselines: readonly Method[] = ['qemu-precopy', 'qemu-together', 'qemu-in-turn'];

export const isMethod = (name: string): name is Method => Object.hasOwn(movers, name);

export const methods = Object.keys(movers).filter(isMethod);

export const moverOf = (method: Method): Mover => movers[method];

export const isQemus = (method: Method): boolean => moverOf(method).qemu !== undefined;

export const pageferrys: readonly Method[] = modes;
