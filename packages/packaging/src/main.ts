import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Command, Option } from 'commander';
import { buildPackages } from './build-packages.js';
import { inDeploy, inRepository } from './paths.js';

const options = new Command('package')
  .description("Builds Debian's packages of the daemons, with this node as their runtime.")
  .option('--output <directory>', 'where they go', inDeploy('dist'))
  .addOption(
    new Option('--compression <kind>', 'of what is in them')
      .choices(['xz', 'zstd', 'gzip', 'none'])
      .default('xz'),
  )
  .option('--package-version <version>', "of the packages; the project's unless given")
  .parse()
  .opts<{ output: string; compression: string; packageVersion?: string }>();

/** Of the newest commit, or as the environment says (https://reproducible-builds.org/specs/source-date-epoch/). */
async function sourceTime(): Promise<number> {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) return Number(given);
  const { stdout } = await promisify(execFile)('git', ['log', '-1', '--format=%ct'], { cwd: inRepository() });
  return Number(stdout);
}

async function ownVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(inRepository('package.json'), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version);
  throw new Error('package.json has no version');
}

const built = await buildPackages(options.packageVersion ?? (await ownVersion()), {
  compression: options.compression,
  time: await sourceTime(),
  outputDirectory: options.output,
});
process.stdout.write(built.map((path) => `${path}\n`).join(''));
