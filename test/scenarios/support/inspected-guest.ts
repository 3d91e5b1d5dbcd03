import {
  openGuest,
  PAGE_BYTES,
  type ClassifiedPages,
  type GuestMemory,
  type LinuxGuest,
} from '@pageferry/introspect';
import type { Guest } from '../../guests/guest.js';
import { openGuestMemory, registersCr3, type OpenGuestMemory } from './guest-memory.js';
import { textOf } from './introspected-guest.js';

/** A guest, its memory, and its kernel as it was found. */
export interface Inspected {
  readonly guest: Guest;
  readonly memory: OpenGuestMemory;
  readonly linux: LinuxGuest;
}

export async function inspect(guest: Guest): Promise<Inspected> {
  const memory = await openGuestMemory(guest);
  const linux = await openGuest(memory, { pageTables: await registersCr3(guest) });
  if (linux.kind === 'unsupported') throw new Error(linux.reason);
  return { guest, memory, linux };
}

export async function classify({ guest, linux }: Inspected): Promise<ClassifiedPages> {
  const pages = await linux.classify({ pageTables: await registersCr3(guest) });
  if (pages.kind === 'unsupported') throw new Error(pages.reason);
  return pages;
}

export async function whileStopped<T>(guest: Guest, look: () => Promise<T>): Promise<T> {
  await guest.monitor.execute('stop');
  try {
    return await look();
  } finally {
    await guest.monitor.execute('cont');
  }
}

/** A number of /proc/meminfo, in pages. */
export async function pagesSaid(guest: Guest): Promise<(name: string) => number> {
  const text = await textOf(guest, 'cat /proc/meminfo');
  return (name) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1]) / 4;
}

/** Frames of all pages, in the order of the classes. */
export function framesOf(memory: GuestMemory): number[] {
  return memory.ranges.flatMap(({ start, length }) =>
    Array.from({ length: length / PAGE_BYTES }, (_, page) => start / PAGE_BYTES + page),
  );
}
