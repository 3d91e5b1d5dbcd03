import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './run.js';

export const release = 'bookworm';
export const backports = `${release}-backports`;
const backportsFile = '/etc/apt/sources.list.d/pageferry-backports.sources';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

const lockWaitSeconds = 120;
const installTimeoutMs = 900_000;

interface Source {
  readonly uri: string;
  readonly release: string;
}

async function configuredSources(): Promise<Source[]> {
  // Apt itself reads both formats of sources files, wherever they lie, and needs no lists for it.
  const listing = await run('apt-get', ['update', '--print-uris']);
  return [...listing.matchAll(/^'(\S+)\/dists\/([^/\s]+)\/InRelease'/gm)].flatMap(([, uri, name]) =>
    uri === undefined || name === undefined ? [] : [{ uri, release: name }],
  );
}

function mirrorAmong(sources: readonly Source[]): string {
  const mirror = sources.find((source) => source.release === release)?.uri;
  if (mirror === undefined) {
    throw new Error(
      `no source of Debian ${release} is configured: QEMU cannot be installed from its backports`,
    );
  }
  return mirror;
}

/** Where this machine gets Debian's packages from. */
export async function debianMirror(): Promise<string> {
  return mirrorAmong(await configuredSources());
}

/** The command that adds Debian's backports from the mirror in use; empty when they are configured. */
export async function addBackports(): Promise<string[]> {
  const sources = await configuredSources();
  if (sources.some((source) => source.release === backports)) return [];
  const mirror = mirrorAmong(sources);
  const lines = [
    'Types: deb',
    `URIs: ${mirror}`,
    `Suites: ${backports}`,
    'Components: main',
    `Signed-By: ${keyring}`,
  ];
  return [`printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} > ${backportsFile}`];
}

export interface Packages {
  readonly stable: readonly string[];
  readonly backports: readonly string[];
}

/** The shell commands that install the packages, for root. */
export async function installCommands(packages: Packages): Promise<string[]> {
  const install =
    `DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=${lockWaitSeconds} ` +
    'install -y --no-install-recommends';
  const commands: string[] = [];
  if (packages.backports.length > 0) commands.push(...(await addBackports()));
  commands.push('apt-get update');
  if (packages.stable.length > 0) commands.push(`${install} ${packages.stable.join(' ')}`);
  if (packages.backports.length > 0)
    commands.push(`${install} -t ${backports} ${packages.backports.join(' ')}`);
  return commands;
}

/** Runs one of apt's commands; waits (bounded) where another one holds a lock that apt itself does not wait for. */
export async function runApt(command: string): Promise<void> {
  const deadline = Date.now() + lockWaitSeconds * 1000;
  for (;;) {
    try {
      await run('sh', ['-c', command], { timeoutMs: installTimeoutMs });
      return;
    } catch (error) {
      if (!String(error).includes('Could not get lock') || Date.now() > deadline) throw error;
      await sleep(1000);
    }
  }
}

/** Follows a metapackage, of the preferred release or of `from`, to the package that it stands for, by the beginning of its name. */
export async function dependencyOf(metapackage: string, prefix: string, from?: string): Promise<string> {
  const options = from === undefined ? [] : ['-t', from];
  const listing = await run('apt-cache', [...options, 'depends', metapackage]);
  const name = listing
    .split('\n')
    .map((line) => /^\s*Depends: (\S+)$/.exec(line)?.[1])
    .find((candidate) => candidate?.startsWith(prefix));
  if (name === undefined)
    throw new Error(`apt knows no ${prefix}… behind ${metapackage}: run apt-get update as root`);
  return name;
}
