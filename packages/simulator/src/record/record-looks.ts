import { sleep, withTimeout } from '@pageferry/errors';
import type { DirtyLog } from '@pageferry/qemu';
import { PageSet, type PageLayout } from '@pageferry/transfer';
import { TraceWriter } from '../trace/trace-writer.js';
import type { Recording } from './recording.js';

/** QEMU reads all of the guest's memory first: so slow it is on no machine, bytes a second. */
const LEAST_FIRST_PASS_RATE = 10_000_000;
const FIRST_PASS_OVERHEAD_MS = 60_000;
/** A look has a time limit of its own, and takes a few ms: it is worth waiting for. */
const NEVER_ABORTED = new AbortController().signal;

/** Reads the first pass, which brings all pages with their content, and what was written meanwhile; forgets both. */
export async function skipFirstPass(log: DirtyLog, layout: PageLayout, signal: AbortSignal): Promise<void> {
  const nowhere = {
    target: Buffer.alloc(0),
    page: () => -1,
    zero: () => undefined,
    ready: () => undefined,
    enough: () => false,
  };
  const changed = new PageSet(layout);
  await withTimeout(
    signal,
    (layout.bytes / LEAST_FIRST_PASS_RATE) * 1000 + FIRST_PASS_OVERHEAD_MS,
    'dirty-log',
    'QEMU does not come to the end of its first pass',
    (inner) => log.readFirstPass(nowhere, changed, inner),
  );
  await log.collect(changed, signal);
}

export interface LooksOptions {
  /** Of the recording, ms. */
  readonly durationMs: number;
  /** From the end of one look at the log to the beginning of the next one, ms. */
  readonly intervalMs: number;
  /** Ends the recording early, after a last look at the log. */
  readonly signal: AbortSignal;
}

/**
 * Looks at the log again and again, at least once, and writes down what each look finds.
 * @throws `dirty-log`, and `request-invalid` if the trace becomes too long
 */
export async function recordLooks(
  log: DirtyLog,
  layout: PageLayout,
  { durationMs, intervalMs, signal }: LooksOptions,
): Promise<Recording> {
  const writer = new TraceWriter(layout.capacity);
  const dirtied = new PageSet(layout);
  const everDirtied = new PageSet(layout);
  let looks = 0;
  let dirtiedPages = 0;
  const begunMs = performance.now();
  let lookedMs = begunMs;
  const endMs = begunMs + durationMs;
  do {
    await pause(Math.min(lookedMs + intervalMs, endMs) - performance.now(), signal);
    dirtied.clear();
    await log.collect(dirtied, NEVER_ABORTED);
    const nowMs = performance.now();
    writer.add(dirtied, nowMs - lookedMs);
    lookedMs = nowMs;
    everDirtied.addAll(dirtied);
    dirtiedPages += dirtied.count;
    looks++;
  } while (lookedMs < endMs && !signal.aborted);
  return {
    trace: writer.finish(),
    looks,
    durationMs: lookedMs - begunMs,
    memoryBytes: layout.bytes,
    dirtiedPages,
    differentPages: everDirtied.count,
  };
}

/** Waits for `ms`, or until the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  // It fails only by the signal.
  await sleep(Math.max(ms, 0), signal).catch(() => undefined);
}
