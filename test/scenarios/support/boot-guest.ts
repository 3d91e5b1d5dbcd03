import type { Hypervisor } from '../../agents/hypervisor.js';
import type { Guest } from '../../guests/guest.js';
import type { GuestHardware } from '../../guests/qemu-arguments.js';

export interface GuestLoad {
  readonly name?: string;
  readonly fillMiB?: number;
  /** What the guest rewrites, 10^6 bytes a second; 0 by default. */
  readonly megabytesPerSecond?: number;
}

const pagesPerMib = 256;
/** A fifth of the usual beats: an emulated processor spends more on them than on the rest of an idle guest. */
const beatMs = 10;

/** Boots a guest that is in the middle of its work. */
export async function bootGuest(
  hypervisor: Pick<Hypervisor, 'startGuest'>,
  { fillMiB = 96, megabytesPerSecond = 0, ...hardware }: GuestHardware & GuestLoad,
): Promise<Guest> {
  const guest = await hypervisor.startGuest({ name: 'guest', ...hardware });
  await guest.waitUntilReady();
  await guest.workload.beatEvery(beatMs);
  const third = Math.floor(fillMiB / 3);
  await guest.workload.fill(fillMiB - 2 * third, 1, 'random');
  await guest.workload.fill(third, 2, 'text');
  await guest.workload.fill(third, 3, 'zero');
  await guest.workload.write({ megabytesPerSecond });
  return guest;
}

export const filledPages = (fillMiB: number): number => fillMiB * pagesPerMib;
