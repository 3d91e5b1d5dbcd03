import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDebianPackage, type BuildOptions } from './debian-package.js';
import { manualDate } from './manual-page.js';
import { packages, type FillPackage } from './packages/index.js';
import { Tree } from './tree.js';

/** Builds packages, all of them by default, and says where they lie. */
export async function buildPackages(
  version: string,
  options: BuildOptions,
  wanted: readonly FillPackage[] = packages,
): Promise<string[]> {
  await mkdir(options.outputDirectory, { recursive: true });
  const built: string[] = [];
  for (const fill of wanted) {
    const root = await mkdtemp(join(tmpdir(), 'pageferry-package-'));
    try {
      const tree = new Tree(join(root, 'tree'));
      const description = await fill({ tree, version, date: manualDate(options.time) });
      built.push(await buildDebianPackage(description, tree, options));
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }
  return built;
}
