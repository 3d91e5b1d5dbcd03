import { amount, entries, list, object, optional, text, truth } from './fields.js';
import { problem, type Problem } from './problem.js';

/** One iteration of pre-copy. Times in ms, rates in bytes a second. */
export interface Iteration {
  readonly number: number;
  readonly durationMs: number;
  readonly dirtiedPages: number;
  readonly sentBytes: number;
  readonly bandwidth: number | undefined;
  /** At its end. */
  readonly remainingPages: number;
}

export interface Phase {
  readonly state: string;
  /** ms since the epoch */
  readonly at: number;
}

/** Of something, by kind. */
export type Kinds = readonly (readonly [kind: string, count: number])[];

/** Page cache from disks that both hosts share, in pages. */
export interface Storage {
  /** The guest's, and whether the destination has them. */
  readonly disks: readonly { readonly name: string; readonly bytes: number; readonly state: string }[];
  /** Of which it is known where they lie on disks. */
  readonly mapped: number;
  readonly restored: number;
  /** That the disks had otherwise, or that could not be read: they were sent. */
  readonly unrestored: number;
}

/** A migration, as far as this page shows it. Times in ms, rates in bytes a second. */
export interface Migration {
  readonly id: string;
  readonly guest: string;
  readonly destination: { readonly url: string; readonly guest: string };
  readonly mode: string;
  readonly state: string;
  readonly history: readonly Phase[];
  readonly startedAt: number;
  readonly totalMs: number;
  readonly downtimeMs: number | undefined;
  readonly downtime: Kinds | undefined;
  readonly iterations: number;
  /** As far as it has been told: none by lists, in events those since the event before. */
  readonly iterationTable: readonly Iteration[];
  readonly memory: { readonly bytes: number; readonly pages: number } | undefined;
  readonly remainingPages: number;
  readonly downtimeLimitMs: number;
  readonly timeLimitMs: number;
  readonly whenStalled: string;
  readonly bandwidthCaps: { readonly precopy: number; readonly postcopy: number };
  readonly pages: Kinds;
  /** Undefined where none was asked for, or the destination reads no disks. */
  readonly storage: Storage | undefined;
  readonly sentBytes: number;
  readonly bandwidth: number | undefined;
  readonly dirtyRate: number | undefined;
  readonly error: Problem | undefined;
}

const iteration = object<Iteration>((field) => ({
  number: field('number', amount),
  durationMs: field('durationMs', amount),
  dirtiedPages: field('dirtiedPages', amount),
  sentBytes: field('sentBytes', amount),
  bandwidth: field('bandwidth', optional(amount)),
  remainingPages: field('remainingPages', amount),
}));

const phase = object<Phase>((field) => ({ state: field('state', text), at: field('at', amount) }));

const storage = object<Storage>((field) => ({
  disks: field(
    'disks',
    list(
      object((inner) => ({
        name: inner('name', text),
        bytes: inner('bytes', amount),
        state: inner('state', text),
      })),
    ),
  ),
  mapped: field('mapped', amount),
  restored: field('restored', amount),
  unrestored: field('unrestored', amount),
}));

export const migration = object<Migration>((field) => ({
  id: field('id', text),
  guest: field('guest', text),
  destination: field(
    'destination',
    object((inner) => ({ url: inner('url', text), guest: inner('guest', text) })),
  ),
  mode: field('mode', text),
  state: field('state', text),
  history: field('history', list(phase)),
  startedAt: field('startedAt', amount),
  totalMs: field('totalMs', amount),
  downtimeMs: field('downtimeMs', optional(amount)),
  downtime: field('downtime', optional(entries(amount))),
  iterations: field('iterations', amount),
  iterationTable: field('iterationTable', optional(list(iteration))) ?? [],
  memory: field(
    'memory',
    optional(object((inner) => ({ bytes: inner('bytes', amount), pages: inner('pages', amount) }))),
  ),
  remainingPages: field('remainingPages', amount),
  downtimeLimitMs: field('downtimeLimitMs', amount),
  timeLimitMs: field('timeLimitMs', amount),
  whenStalled: field('whenStalled', text),
  bandwidthCaps: field(
    'bandwidthCaps',
    object((inner) => ({ precopy: inner('precopy', amount), postcopy: inner('postcopy', amount) })),
  ),
  pages: field('pages', entries(amount)),
  storage: field('storage', optional(storage)),
  sentBytes: field(
    'bytes',
    object((inner) => inner('sent', amount)),
  ),
  bandwidth: field('bandwidth', optional(amount)),
  dirtyRate: field('dirtyRate', optional(amount)),
  error: field('error', optional(problem)),
}));

export interface MigrationPage {
  readonly migrations: readonly Migration[];
  /** For the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export const migrationPage = object<MigrationPage>((field) => ({
  migrations: field('migrations', list(migration)),
  next: field('next', optional(text)),
}));

export interface Guest {
  readonly name: string;
  readonly migratable: boolean;
}

export const guests = object((field) =>
  field(
    'guests',
    list(object<Guest>((inner) => ({ name: inner('name', text), migratable: inner('migratable', truth) }))),
  ),
);
