import { join } from 'node:path';
import { cache, repository } from '../environment/paths.js';
import { run } from '../environment/run.js';

/**
 * Builds the packages, and returns their paths.
 * @param version that they call themselves; the project's by default
 */
export async function builtPackages(version?: string): Promise<string[]> {
  const directory = join(cache, 'packages-under-test', ...(version === undefined ? [] : [version]));
  const main = join(repository, 'packages/packaging/dist/main.js');
  const built = await run(process.execPath, [
    ...[main, '--compression', 'zstd', '--output', directory],
    ...(version === undefined ? [] : ['--package-version', version]),
  ]);
  return built.trim().split('\n');
}
