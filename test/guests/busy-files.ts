import type { Guest } from './guest.js';
import { answerDeadlineMs, numbersOf } from './workload-answer.js';

/** What there is of a guest's busy files. */
export interface BusyFiles {
  /** Those that exist: some of them are deleted for a while. */
  readonly files: number;
  /** That lie within the files, holes included. */
  readonly bytes: number;
  /** Their pages in the guest's page cache. */
  readonly residentPages: number;
  /** Changes and reads so far. */
  readonly operations: number;
  /** All that went wrong so far; the guest reports the first of it by itself: `workload.reportedErrors`. */
  readonly errors: number;
}

export interface BusyFilesOptions {
  /** An even number, 256 at most, of 256 KiB at most each; 128 by default, for which a disk of 64 MiB is enough. */
  readonly files?: number;
  /** 50 a second by default, for which an emulated processor has time besides. */
  readonly operationsPerSecond?: number;
}

/** For an emulated processor to create, or verify, all of them. */
const timeoutMs = 4 * answerDeadlineMs;

async function command({ workload }: Guest, line: string): Promise<BusyFiles> {
  const number = numbersOf(await workload.command(`busyfiles ${line}`, timeoutMs));
  return {
    files: number('files'),
    bytes: number('bytes'),
    residentPages: number('resident'),
    operations: number('operations'),
    errors: number('errors'),
  };
}

/**
 * Creates files on the guest's disk and keeps them busy: half of them are rewritten, also through mappings, truncated, punched,
 * renamed, synchronized, deleted and created again; the others are read again and hardly ever changed, and so stay in the
 * page cache. Each is verified on the way. After {@link stopBusyFiles} goes on with them.
 */
export async function startBusyFiles(
  guest: Guest,
  { files = 128, operationsPerSecond = 50 }: BusyFilesOptions = {},
): Promise<void> {
  await command(guest, `on ${files} ${operationsPerSecond}`);
}

export async function stopBusyFiles(guest: Guest): Promise<void> {
  await command(guest, 'off');
}

export async function busyFiles(guest: Guest): Promise<BusyFiles> {
  return command(guest, 'status');
}

/** Verifies all files, first as the guest's page cache has them, then past it, as the disk has them; they may be busy. */
export async function checkBusyFiles(guest: Guest): Promise<BusyFiles> {
  return command(guest, 'check');
}
