import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from './run.js';
import { unpackMissing, unpackedPackage } from './unpacked-package.js';

const architecture = 'x86_64-linux-gnu';
const libraryFolder = `lib/${architecture}`;
const loader = 'lib64/ld-linux-x86-64.so.2';

/** Programs of Debian that are not installed but unpacked, for guests. */
export interface DebianPrograms {
  /** By their paths in a guest, those in a package. */
  readonly programs: Readonly<Record<string, { readonly package: string; readonly path: string }>>;
  /** The packages with the shared libraries that they need, of each the names. */
  readonly libraries: Readonly<Record<string, readonly string[]>>;
}

/** The folders that {@link programFiles} lie in, with the ones around them. */
export const programFolders = ['lib', libraryFolder, 'lib64'] as const;

/** The programs with all that they need in a guest, by the paths there. */
export async function programFiles(
  wanted: DebianPrograms,
  log: (line: string) => void,
): Promise<Map<string, Buffer>> {
  await unpack(wanted, log);
  const files = new Map<string, Buffer>();
  for (const [path, program] of Object.entries(wanted.programs)) {
    files.set(path, await readFile(join(unpackedPackage(program.package), program.path)));
  }
  files.set(loader, await readFile(loaderHere()));
  for (const [library, path] of libraryPaths(wanted)) {
    files.set(`${libraryFolder}/${library}`, await readFile(path));
  }
  return files;
}

/** Runs one of the programs here, with its own libraries. */
export async function runProgram(
  wanted: DebianPrograms,
  program: string,
  args: readonly string[],
  timeoutMs?: number,
): Promise<string> {
  await unpack(wanted, () => undefined);
  const found = wanted.programs[program];
  if (found === undefined) throw new Error(`${program} is none of the programs`);
  const folders = new Set([...libraryPaths(wanted).values()].map((path) => dirname(path)));
  const own = ['--library-path', [...folders].join(':'), join(unpackedPackage(found.package), found.path)];
  return run(loaderHere(), [...own, ...args], timeoutMs === undefined ? {} : { timeoutMs });
}

async function unpack(wanted: DebianPrograms, log: (line: string) => void): Promise<void> {
  const names = new Set([
    ...Object.values(wanted.programs).map((program) => program.package),
    ...Object.keys(wanted.libraries),
  ]);
  await unpackMissing(
    [...names].map((name) => ({ name, find: () => Promise.resolve(name) })),
    log,
  );
}

const loaderHere = (): string => join(unpackedPackage('libc6'), libraryFolder, 'ld-linux-x86-64.so.2');

function libraryPaths({ libraries }: DebianPrograms): Map<string, string> {
  return new Map(
    Object.entries(libraries).flatMap(([name, names]) =>
      names.map((library): [string, string] => [library, libraryPath(name, library)]),
    ),
  );
}

function libraryPath(name: string, library: string): string {
  const root = unpackedPackage(name);
  const path = ['lib', 'usr/lib'].map((folder) => join(root, folder, architecture, library)).find(existsSync);
  if (path === undefined) throw new Error(`the package in ${root} has no ${library}`);
  return path;
}
