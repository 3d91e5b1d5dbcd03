import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PageferryError } from '@pageferry/errors';
import { PAGE_SIZE } from '@pageferry/transfer';
import { recordGuest, type Recording } from '../record/recording.js';
import { formatBytes, formatDuration, formatRate } from '../units.js';
import { abortedBySignals } from './aborted-by-signals.js';
import type { RecordFlags } from './record-options.js';

/** Errors: `request-invalid`, with what was tried. */
async function explained<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PageferryError('request-invalid', `${what}: ${why}`, { cause });
  }
}

function summaryOf(recording: Recording): string {
  const { looks, durationMs, memoryBytes, dirtiedPages, differentPages } = recording;
  const rate = formatRate((dirtiedPages * PAGE_SIZE) / (durationMs / 1000));
  return (
    `${looks} looks in ${formatDuration(durationMs)}: pages dirtied at ${rate}, ` +
    `${formatBytes(differentPages * PAGE_SIZE)} of ${formatBytes(memoryBytes)} at least once`
  );
}

/** Records what the flags say into a file, which is there only once it is whole. SIGINT ends the recording early. */
export async function runRecording(flags: RecordFlags, print: (line: string) => void): Promise<void> {
  const { qmp, output, duration, interval } = flags;
  const partial = `${output}.part`;
  // Before the guest is bothered.
  await explained(`the trace ${output} cannot be written`, writeFile(partial, ''));
  const stop = abortedBySignals();
  let directory: string | undefined;
  try {
    directory = await explained(
      `no directory can be made in ${flags.directory}`,
      mkdtemp(join(flags.directory, 'pageferry-record-')),
    );
    const recording = await recordGuest({
      qmpSocket: qmp,
      directory,
      durationMs: duration,
      intervalMs: interval,
      signal: stop.signal,
      onPhase: (phase, memoryBytes) => {
        if (phase === 'first-pass') print(`reading the dirty log's first pass, ${formatBytes(memoryBytes)}`);
        else print(`recording for ${formatDuration(duration)}; SIGINT (Ctrl-C) ends it early`);
      },
    });
    await explained(`the trace ${output} cannot be written`, writeFile(partial, recording.trace));
    await explained(`the trace ${output} cannot be written`, rename(partial, output));
    print(summaryOf(recording));
  } finally {
    stop.end();
    await rm(partial, { force: true });
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}
