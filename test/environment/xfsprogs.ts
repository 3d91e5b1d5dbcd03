import { join } from 'node:path';
import { run } from './run.js';
import { unpackMissing, unpackedPackage } from './unpacked-package.js';

/** The program's, and of the libraries that it needs those that not every Debian has. */
const packages = ['xfsprogs', 'libinih1', 'liburcu8'] as const;

let unpacked: Promise<void> | undefined;

/** Puts an empty xfs into a file of at least 300 MiB; fetches the program for it when a test first asks. */
export async function formatXfs(path: string): Promise<void> {
  // Guests that are prepared at the same time all want it.
  unpacked ??= unpackMissing(
    packages.map((name) => ({ name, find: () => Promise.resolve(name) })),
    () => undefined,
  );
  await unpacked;
  const libraries = packages.flatMap((name) =>
    ['lib', 'usr/lib'].map((folder) => join(unpackedPackage(name), folder, 'x86_64-linux-gnu')),
  );
  await run(join(unpackedPackage('xfsprogs'), 'sbin/mkfs.xfs'), ['-q', '-f', path], {
    env: { LD_LIBRARY_PATH: libraries.join(':') },
  });
}
