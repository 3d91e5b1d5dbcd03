import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cache, source } from '../environment/paths.js';
import { compilerFlags, compileForGuest } from './compile.js';
import { cpio, type CpioEntry } from './cpio.js';
import { modulesWithDependencies } from './kernel-modules.js';

/** The modules that a guest with a virtio disk needs; what is built into the kernel has no file and is left out. */
const modules = ['virtio_pci', 'virtio_blk', 'ext4', 'crc32c_generic'];

const folder = 0o040755;
const file = 0o100755;
const characterDevice = 0o020600;

export interface InitramfsInputs {
  /** A statically linked busybox. */
  readonly busybox: string;
  /** The folder below `/lib/modules` of the unpacked kernel package. */
  readonly modules: string;
}

/** Adds folders and programs (by their paths in the guest) to a first file system; returns the path of the new one. */
export async function extendInitramfs(
  initramfs: string,
  folders: readonly string[],
  programs: ReadonlyMap<string, Buffer>,
): Promise<string> {
  const added = cpio([
    ...folders.map((path) => ({ path, mode: folder })),
    ...[...programs].map(([path, content]) => ({ path, mode: file, content })),
  ]);
  const key = createHash('sha256').update(basename(initramfs)).update(added).digest('hex').slice(0, 16);
  const result = join(dirname(initramfs), `${key}.cpio`);
  if (existsSync(result)) return result;
  // Guests that boot at the same time may all want it.
  const unique = `${result}.${randomUUID()}`;
  // The kernel unpacks one archive after the other.
  await writeFile(unique, Buffer.concat([await readFile(initramfs), added]));
  await rename(unique, result);
  return result;
}

async function workloadSources(): Promise<string[]> {
  const directory = source('guests', 'workload');
  const names = await readdir(directory);
  return names.sort().map((name) => join(directory, name));
}

async function keyOf(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([compilerFlags, modules]));
  for (const path of paths) hash.update(path).update(await readFile(path));
  return hash.digest('hex').slice(0, 16);
}

/** The guest's first file system, built when one of its inputs has changed; returns its path. */
export async function buildInitramfs(inputs: InitramfsInputs): Promise<string> {
  const init = source('guests', 'initramfs', 'init');
  const sources = await workloadSources();
  const drivers = await modulesWithDependencies(inputs.modules, modules);
  const directory = join(cache, 'initramfs');
  const result = join(directory, `${await keyOf([init, inputs.busybox, ...sources, ...drivers])}.cpio`);
  if (existsSync(result)) return result;

  await mkdir(directory, { recursive: true });
  // Two builders at once must not read each other's halves: each works on files of its own.
  const unique = `${result}.${String(process.pid)}`;
  const executable = (path: string, content: Buffer): CpioEntry => ({ path, mode: file, content });
  const entries: CpioEntry[] = [
    ...['bin', 'dev', 'proc', 'sys', 'mnt', 'tmp', 'modules'].map((path) => ({ path, mode: folder })),
    { path: 'dev/console', mode: characterDevice, device: [5, 1] },
    executable('init', await readFile(init)),
    executable('bin/busybox', await readFile(inputs.busybox)),
    executable('workload', await compileForGuest(sources, `${unique}.workload`)),
  ];
  for (const [index, path] of drivers.entries()) {
    entries.push(executable(`modules/${String(index).padStart(2, '0')}.ko`, await readFile(path)));
  }
  await writeFile(unique, cpio(entries));
  await rename(unique, result);
  await rm(`${unique}.workload`);
  return result;
}
