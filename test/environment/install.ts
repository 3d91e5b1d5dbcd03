import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { argv, getuid } from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildInitramfs } from '../guests/initramfs.js';
import { dependencyOf, installCommands, runApt } from './apt.js';
import { firmware } from './firmware.js';
import { isRecentEnough, minimumQemu, missingPackages, qemuVersion } from './tools.js';
import { unpackMissing, unpackedPackage } from './unpacked-package.js';

/** What guests are started with. */
export interface Environment {
  readonly qemuVersion: string;
  readonly kernel: string;
  readonly initramfs: string;
  readonly firmware: { readonly code: string; readonly variables: string };
}

export interface EnvironmentOptions {
  /** Called with a line before each step that takes long. */
  readonly log?: (line: string) => void;
}

const isRoot = getuid?.() === 0;

const unpacked = [
  { name: 'kernel', find: () => dependencyOf('linux-image-cloud-amd64', 'linux-image-') },
  { name: 'busybox', find: () => Promise.resolve('busybox-static') },
  { name: 'ovmf', find: () => Promise.resolve('ovmf') },
] as const;

async function install(log: (line: string) => void): Promise<boolean> {
  const missing = await missingPackages();
  if (missing.stable.length + missing.backports.length === 0) return false;
  const commands = await installCommands(missing);
  if (!isRoot) {
    throw new Error(`these packages are missing; as root, run:\n\n  sh -c "${commands.join(' && ')}"\n`);
  }
  for (const command of commands) {
    log(command);
    await runApt(command);
  }
  return true;
}

async function only(directory: string, prefix: string): Promise<string> {
  const name = (await readdir(directory)).find((candidate) => candidate.startsWith(prefix));
  if (name === undefined) throw new Error(`${directory} has no ${prefix}…`);
  return join(directory, name);
}

/** Makes sure of all that tests and demo need on Debian 12; has nothing to do, and is fast, from the second time on. */
export async function ensureEnvironment(options: EnvironmentOptions = {}): Promise<Environment> {
  const log = options.log ?? (() => undefined);
  await unpackMissing(unpacked, log, await install(log));
  const version = await qemuVersion();
  if (version === undefined || !isRecentEnough(version)) {
    throw new Error(`QEMU ${minimumQemu} or newer is needed, found ${version ?? 'none'}`);
  }
  const kernel = unpackedPackage('kernel');
  return {
    qemuVersion: version,
    kernel: await only(join(kernel, 'boot'), 'vmlinuz-'),
    initramfs: await buildInitramfs({
      busybox: join(unpackedPackage('busybox'), 'bin/busybox'),
      modules: await only(join(kernel, 'lib/modules'), ''),
    }),
    firmware,
  };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  ensureEnvironment({
    log: (line) => {
      console.log(line);
    },
  }).then(
    (environment) => {
      console.log(`QEMU ${environment.qemuVersion}, kernel and initramfs are ready`);
    },
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
}
