import { readStartTime } from './process-identity.js';

/**
 * Ends, by force, the QEMU that {@link processIdentity} has told apart, and no other one: one whose main loop waits for a
 * page that never comes hears of nothing else.
 * @throws what the kernel says, if this process may not; nothing if there is no such QEMU any more
 */
export function killProcess(identity: string): void {
  const [pid = '', startTime] = identity.split('@');
  if (startTime === undefined || readStartTime(Number(pid)) !== startTime) return;
  process.kill(Number(pid), 'SIGKILL');
}
