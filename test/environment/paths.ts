import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRepository(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package-lock.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the repository around the test environment was not found');
    folder = parent;
  }
  return folder;
}

/** The checkout; the same whether the code runs from its sources or from `dist`. */
export const repository = findRepository();

/** What is downloaded or built once; ignored by git. */
export const cache = join(repository, '.cache');

/** A file among the tests' sources that is not TypeScript. */
export const source = (...parts: string[]): string => join(repository, 'test', ...parts);

/** A compiled file of the tests': code runs from its sources as well, but a process or thread starts from this. */
export const compiled = (...parts: string[]): string => join(repository, 'test', 'dist', ...parts);
