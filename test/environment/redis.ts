import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackMissing, unpackedPackage } from './unpacked-package.js';

const libraries = 'lib/x86_64-linux-gnu';
const loader = 'lib64/ld-linux-x86-64.so.2';

/** Debian's packages, with the shared libraries of each that the programs need. */
const packages = {
  'redis-tools': [],
  libatomic1: ['libatomic.so.1'],
  libc6: ['libc.so.6', 'libm.so.6'],
  libcap2: ['libcap.so.2'],
  'libgcc-s1': ['libgcc_s.so.1'],
  libgcrypt20: ['libgcrypt.so.20'],
  'libgpg-error0': ['libgpg-error.so.0'],
  libjemalloc2: ['libjemalloc.so.2'],
  'liblz4-1': ['liblz4.so.1'],
  liblzf1: ['liblzf.so.1'],
  liblzma5: ['liblzma.so.5'],
  libssl3: ['libssl.so.3', 'libcrypto.so.3'],
  'libstdc++6': ['libstdc++.so.6'],
  libsystemd0: ['libsystemd.so.0'],
  libzstd1: ['libzstd.so.1'],
} as const;

/** The server is the same program as the one that checks its files: it goes by its name. */
const programs = {
  'bin/redis-server': 'usr/bin/redis-check-rdb',
  'bin/redis-cli': 'usr/bin/redis-cli',
  'bin/redis-benchmark': 'usr/bin/redis-benchmark',
} as const;

export const redisFolders = ['lib', libraries, 'lib64'] as const;

/** Redis with its client and its load generator, and all that they need in a guest, by the paths there. */
export async function redisFiles(log: (line: string) => void): Promise<Map<string, Buffer>> {
  const wanted = Object.keys(packages).map((name) => ({
    name,
    find: () => Promise.resolve(name),
  }));
  await unpackMissing(wanted, log);
  const files = new Map<string, Buffer>();
  for (const [path, original] of Object.entries(programs)) {
    files.set(path, await readFile(join(unpackedPackage('redis-tools'), original)));
  }
  files.set(loader, await readFile(join(unpackedPackage('libc6'), libraries, 'ld-linux-x86-64.so.2')));
  for (const [name, names] of Object.entries(packages)) {
    for (const library of names) files.set(`${libraries}/${library}`, await readLibrary(name, library));
  }
  return files;
}

async function readLibrary(name: string, library: string): Promise<Buffer> {
  const root = unpackedPackage(name);
  const path = ['lib', 'usr/lib']
    .map((folder) => join(root, folder, 'x86_64-linux-gnu', library))
    .find(existsSync);
  if (path === undefined) throw new Error(`the package in ${root} has no ${library}`);
  return readFile(path);
}
