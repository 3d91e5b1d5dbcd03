import type { Migration } from '../agents/migration.js';
import type { MemoryCheck } from '../guests/workload.js';
import { bytes, count, duration, milliseconds } from './format.js';
import type { DemoOptions } from './options.js';

/** What came of the demo. */
export interface Findings {
  readonly migration: Migration;
  /** Pages that the guest has filled. */
  readonly filledPages: number;
  /** Of all its memory by the guest, on the destination; unset if it did not get there. */
  readonly check: MemoryCheck | undefined;
  /** The longest time without a sign of life of the guest's writers during the migration. */
  readonly gapMs: number;
}

/** Whether every page that the guest filled was found as it must be. */
export function isWhole({ migration, filledPages, check }: Findings): boolean {
  return (
    migration.state === 'completed' &&
    check !== undefined &&
    check.errors === 0 &&
    check.pages === filledPages
  );
}

/** The last line of `--json`. */
export function jsonReport({ mode, memory, rate, link }: DemoOptions, findings: Findings): string {
  const { migration, check, gapMs } = findings;
  const { normal, zero, requested, pushed } = migration.pages;
  return JSON.stringify({
    mode,
    status: migration.state,
    whole: isWhole(findings),
    memoryMiB: memory,
    rateMBps: rate,
    linkMbps: link ?? null,
    totalMs: migration.totalMs,
    downtimeMs: migration.downtimeMs,
    downtime: migration.downtime,
    iterations: migration.iterations,
    bytesSent: migration.bytes.sent,
    pagesSent: normal + zero,
    zeroPages: zero,
    pageRequests: requested,
    pagesPushed: pushed,
    guestPagesChecked: check?.pages ?? 0,
    guestErrors: check?.errors ?? null,
    guestGapMs: gapMs,
    error: migration.error,
  });
}

function partsOf(downtime: Migration['downtime']): string {
  return Object.entries(downtime ?? {})
    .map(([part, ms]) => `${part.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${count(ms)}`)
    .join(', ');
}

/** For people. */
export function summary(findings: Findings): string[] {
  const { migration, check, gapMs } = findings;
  const { state, error, pages, mode } = migration;
  if (state !== 'completed') {
    const host = error?.host === undefined ? '' : ` on the ${error.host}`;
    return [`The migration is ${state}${host}: ${error?.detail ?? 'no reason was given'}`];
  }
  const rows = [
    ['total', duration(migration.totalMs), `by ${mode}, ${count(migration.iterations)} iterations`],
    ['downtime', milliseconds(migration.downtimeMs ?? 0), partsOf(migration.downtime)],
    ['longest gap', milliseconds(gapMs), 'as the program in the guest saw it'],
    ['sent', bytes(migration.bytes.sent), `${count(pages.normal)} pages and ${count(pages.zero)} zero pages`],
    ['on demand', count(pages.requested), `requests of the guest; ${count(pages.pushed)} pages pushed`],
    ['checked', count(check?.pages ?? 0), `pages on the destination, ${count(check?.errors ?? 0)} errors`],
  ];
  const table = rows.map(([name = '', value = '', note = '']) =>
    `  ${name.padEnd(12)} ${value.padStart(10)}   ${note}`.trimEnd(),
  );
  const verdict = isWhole(findings) ? 'The guest has moved, and it is whole.' : 'THE GUEST IS DAMAGED.';
  return [verdict, '', ...table];
}
