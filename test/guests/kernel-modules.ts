import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runForBytes } from '../environment/run.js';
import { unpackedPackage } from '../environment/unpacked-package.js';

const moduleName = /\.ko(\.xz)?$/;
const nameOf = (path: string): string => basename(path).replace(moduleName, '').replaceAll('-', '_');

/** A module as a guest loads it: those of newer packages are compressed. */
export async function readModule(path: string): Promise<Buffer> {
  if (!path.endsWith('.xz')) return readFile(path);
  return runForBytes(join(unpackedPackage('busybox'), 'bin/busybox'), ['unxz', '-c', path]);
}

/** The names after `depends=` in a module's `.modinfo`; a package that was only unpacked has no `modules.dep`. */
async function dependenciesOf(path: string): Promise<string[]> {
  const content = (await readModule(path)).toString('latin1');
  const depends = /\0depends=([^\0]*)\0/.exec(content)?.[1] ?? '';
  return depends.split(',').filter((name) => name !== '');
}

/** The files of the wanted modules and of all that they need, in an order in which they can be loaded. */
export async function modulesWithDependencies(
  directory: string,
  wanted: readonly string[],
): Promise<string[]> {
  const files = await readdir(directory, { recursive: true });
  const byName = new Map(
    files.filter((path) => moduleName.test(path)).map((path) => [nameOf(path), join(directory, path)]),
  );
  const ordered = new Set<string>();
  async function visit(name: string): Promise<void> {
    const path = byName.get(name);
    if (path === undefined || ordered.has(path)) return;
    for (const dependency of await dependenciesOf(path)) await visit(dependency);
    ordered.add(path);
  }
  for (const name of wanted) await visit(name);
  return [...ordered];
}
