import type { Guest } from '../guests/guest.js';

/** For an emulated processor, that others may share, to verify all that a load has on its disk. */
const workTimeoutMs = 300_000;

/** Runs a command line in the guest, which must end well. */
export async function runInGuest({ workload }: Guest, commandLine: string): Promise<void> {
  const status = await workload.shell(commandLine, workTimeoutMs);
  if (status !== 0) throw new Error(`"${commandLine}" has ended with ${status} in the guest`);
}

/** The number that a command line prints in the guest. */
export async function numberInGuest({ workload }: Guest, commandLine: string): Promise<number> {
  const text = await workload.output(commandLine, workTimeoutMs);
  const number = Number(text);
  if (text === '' || Number.isNaN(number)) throw new Error(`"${commandLine}" has printed "${text}"`);
  return number;
}
