import { eventually } from '../environment/deadline.js';
import { fieldsOf, stringOf } from '../environment/values.js';
import type { Guest } from './guest.js';

const deadlineMs = 30_000;
/** Bytes a second, more than any disk: QEMU's own limit spares a network. */
const unlimited = 2 ** 40;

/** Writes the state of a guest to a file; the guest stands still from then on. */
export async function saveState(guest: Guest, path: string): Promise<void> {
  await guest.monitor.execute('stop');
  await guest.monitor.execute('migrate-set-parameters', { 'max-bandwidth': unlimited });
  await guest.monitor.execute('migrate', { uri: `file:${path}` });
  await eventually(
    async () => {
      const progress = fieldsOf(await guest.monitor.execute('query-migrate'));
      const status = stringOf(progress, 'status');
      if (status === 'failed') throw new Error(`the state of ${guest.name} is not saved: ${guest.log()}`);
      return status === 'completed';
    },
    deadlineMs,
    `the state of ${guest.name}`,
  );
}

/** Has the QEMU of an incoming guest take a state that another guest of the same hardware had, and go on from there. */
export async function loadState(guest: Guest, path: string): Promise<void> {
  await guest.monitor.execute('migrate-incoming', { uri: `file:${path}` });
  await eventually(async () => (await guest.state()) !== 'inmigrate', deadlineMs, `the state of ${path}`);
  await guest.monitor.execute('cont');
}
