import { constants, copyFile } from 'node:fs/promises';
import type { Guest, GuestOptions } from '../../guests/guest.js';
import type { GuestDisk } from '../../guests/guest-disk.js';
import { loadState, saveState } from '../../guests/saved-state.js';

interface HostOfGuests {
  startGuest(options: Omit<GuestOptions, 'directory'>): Promise<Guest>;
}

export interface Differences {
  readonly name?: string;
  readonly networkNamespace?: string | undefined;
  /** How a copy of the first guest's image becomes the disk of this one; by default it is that of the same format. */
  readonly disk?: (image: string) => Promise<GuestDisk>;
}

interface SavedGuest {
  readonly options: GuestOptions;
  readonly state: string;
  /** Of its disk, as it was with this state. */
  readonly image: string | undefined;
}

let files = 0;

const nextFile = (options: GuestOptions, suffix: string): string =>
  `${options.directory}/${++files}.${suffix}`;

/** A new file of the same content, which shares its blocks where the file system can do that. */
async function copyOf(image: string, options: GuestOptions): Promise<string> {
  const copy = nextFile(options, 'disk');
  await copyFile(image, copy, constants.COPYFILE_FICLONE);
  return copy;
}

/** Ends the guest. */
async function save(guest: Guest): Promise<SavedGuest> {
  const { options } = guest;
  const state = nextFile(options, 'state');
  await saveState(guest, state);
  // Before anything else can have written to it.
  await guest.kill();
  const image = options.disk === undefined ? undefined : await copyOf(options.disk.path, options);
  return { options, state, image };
}

/**
 * For a file that wants many guests alike: the first one is booted and saved, and that one and all others go on from there, each
 * in a QEMU and with a disk of its own. To boot takes an emulated processor far longer.
 * @param boot brings a guest in the middle of its work; its disk, if it has one, is a file
 */
export function alike(
  host: () => HostOfGuests,
  boot: () => Promise<Guest>,
): (differences?: Differences) => Promise<Guest> {
  let saved: Promise<SavedGuest> | undefined;
  return async ({ disk: place, ...differences } = {}) => {
    const { options, state, image } = await (saved ??= boot().then(save));
    const same = (path: string): GuestDisk => ({ format: 'raw', ...options.disk, path });
    const copy = image === undefined ? undefined : await copyOf(image, options);
    const disk = copy === undefined ? undefined : await (place?.(copy) ?? same(copy));
    const guest = await host().startGuest({
      ...options,
      ...differences,
      ...(disk && { disk }),
      incoming: true,
    });
    await loadState(guest, state);
    await guest.waitUntilReady();
    return guest;
  };
}
