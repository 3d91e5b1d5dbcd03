import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

const nameOf = (path: string): string => basename(path, '.ko').replaceAll('-', '_');

/** The names after `depends=` in a module's `.modinfo`; a package that was only unpacked has no `modules.dep`. */
async function dependenciesOf(path: string): Promise<string[]> {
  const content = (await readFile(path)).toString('latin1');
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
    files.filter((path) => path.endsWith('.ko')).map((path) => [nameOf(path), join(directory, path)]),
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
