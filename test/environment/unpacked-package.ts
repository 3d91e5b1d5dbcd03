import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { runApt } from './apt.js';
import { cache } from './paths.js';
import { run } from './run.js';

const folder = join(cache, 'packages');

export const unpackedPackage = (name: string): string => join(folder, name);

export const isUnpacked = (name: string): boolean => existsSync(unpackedPackage(name));

/**
 * Downloads a Debian package and unpacks it into the cache under `name`, without installing it: the guests'
 * kernel has no business among the host's.
 */
async function unpackPackage(name: string, debianPackage: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(join(folder, '.unpacking-'));
  try {
    // Apt's own unprivileged user may not write here; signatures are checked all the same.
    await run('apt-get', ['-o', 'APT::Sandbox::User=', 'download', debianPackage], {
      directory: scratch,
      timeoutMs: 600_000,
    });
    const [archive] = await readdir(scratch);
    if (archive === undefined) throw new Error(`apt-get download ${debianPackage} has left no file`);
    const root = join(scratch, 'root');
    await run('dpkg-deb', ['-x', join(scratch, archive), root]);
    await rename(root, unpackedPackage(name)).catch((error: unknown) => {
      // Somebody else who wanted it was faster.
      if (!isUnpacked(name)) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export interface WantedPackage {
  /** Of its folder in the cache. */
  readonly name: string;
  /** The name of the Debian package. */
  readonly find: () => Promise<string>;
}

/** Unpacks the packages that are not in the cache yet, from fresh lists where this process may fetch them. */
export async function unpackMissing(
  packages: readonly WantedPackage[],
  log: (line: string) => void,
  listsAreFresh = false,
): Promise<void> {
  const missing = packages.filter(({ name }) => !isUnpacked(name));
  if (missing.length > 0 && getuid?.() === 0 && !listsAreFresh) {
    log('apt-get update');
    await runApt('apt-get update');
  }
  for (const { name, find } of missing) {
    const debianPackage = await find();
    log(`download and unpack ${debianPackage}`);
    await unpackPackage(name, debianPackage);
  }
}
