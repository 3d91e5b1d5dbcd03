import { readFileSync } from 'node:fs';

const clockTickMs = 10;

/**
 * User and system time so far, ms (proc(5), `/proc/PID/stat`, fields 14 and 15); undefined when one of them has ended,
 * as a QEMU does whose incoming migration fails.
 */
export function processorMs(pids: readonly number[]): number | undefined {
  try {
    return pids
      .map((pid) => {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return (Number(fields[11]) + Number(fields[12])) * clockTickMs;
      })
      .reduce((sum, ms) => sum + ms, 0);
  } catch {
    return undefined;
  }
}

/** The most memory that a process has had, bytes. */
export function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
