import { errorTable, isErrorCode } from '@pageferry/errors';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { TransitionTable } from '../state-machine.js';

/** Migrations that have figures of their own at the same time; labels must be bounded. */
export const MOST_MEASURED = 64;

const results = ['completed', 'cancelled', 'failed'] as const;
type MigrationResult = (typeof results)[number];

export interface MeasuredDirection<State extends string> {
  /** Before the metrics' names: `pageferry`. */
  readonly prefix: string;
  /** In their texts: `out of this host`. */
  readonly direction: string;
  readonly states: TransitionTable<State>;
}

export interface CountedMigrations {
  readonly underway: readonly { readonly state: string }[];
  /** Most at once. */
  readonly limit: number;
}

/** How many migrations are under way, may be, and are in each state. */
export function measureUnderway<State extends string>(
  { prefix, direction, states }: MeasuredDirection<State>,
  migrations: CountedMigrations,
  registry: Registry,
): void {
  const registers = [registry];
  const passing = Object.entries<readonly State[]>(states).flatMap(([state, next]) =>
    next.length === 0 ? [] : [state],
  );
  new Gauge({
    name: `${prefix}_migrations_running`,
    help: `Migrations ${direction} that are under way`,
    registers,
    collect() {
      this.set(migrations.underway.length);
    },
  });
  new Gauge({
    name: `${prefix}_migrations_limit`,
    help: `Migrations ${direction} that may be under way at once`,
    registers,
    collect() {
      this.set(migrations.limit);
    },
  });
  new Gauge({
    name: `${prefix}_migrations_in_state`,
    help: `Migrations ${direction} that are under way, by their state`,
    labelNames: ['state'],
    registers,
    collect() {
      const { underway } = migrations;
      for (const state of passing)
        this.set({ state }, underway.filter((migration) => migration.state === state).length);
    },
  });
}

/**
 * Counts what migrations have come to, and the errors of those that failed. Every series begins at 0: what is new with 1 has
 * no increase.
 * @returns counts one that has ended, and says what it has come to; a code that is not in the table of errors counts as `internal`
 */
export function countEnded<State extends string>(
  { prefix, direction }: MeasuredDirection<State>,
  registry: Registry,
): (state: string, code: unknown) => MigrationResult {
  const registers = [registry];
  const ended = new Counter({
    name: `${prefix}_migrations_total`,
    help: `Migrations ${direction} that have ended`,
    labelNames: ['result'],
    registers,
  });
  for (const result of results) ended.inc({ result }, 0);
  const failures = new Counter({
    name: `${prefix}_migration_failures_total`,
    help: `Migrations ${direction} that have failed, by the code of the error`,
    labelNames: ['code'],
    registers,
  });
  for (const code of Object.keys(errorTable)) failures.inc({ code }, 0);
  return (state, code) => {
    const result = results.find((name) => name === state) ?? 'failed';
    ended.inc({ result });
    if (result === 'failed') failures.inc({ code: isErrorCode(code) ? code : 'internal' });
    return result;
  };
}
