import { readFileSync } from 'node:fs';
import { findProcessId } from './process-id.js';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';

/** Of the fields after the program's name, the one with the start time (proc(5), `/proc/PID/stat`, field 22). */
const START_TIME_FIELD = 19;

/**
 * Tells one QEMU process from every other one, also from a later one with the same socket or the same process id: a
 * journal that says what to do with a QEMU must not be carried out on another one.
 */
export async function processIdentity(qmp: QmpClient, options?: QmpOptions): Promise<string> {
  const pid = await findProcessId(qmp, options);
  return `${pid}@${readStartTime(pid) ?? 'unknown'}`;
}

/** When the process was started, in the kernel's ticks; undefined if there is none. */
export function readStartTime(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[START_TIME_FIELD];
}
