import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backports, debianMirror, installCommands, release, runApt } from '../environment/apt.js';
import { cache } from '../environment/paths.js';
import { run } from '../environment/run.js';
import { missingForPackages } from '../environment/tools.js';

const folder = join(cache, 'trees');
const timeoutMs = 900_000;

/** A Debian of its own needs no more than what the packages depend on, and a QEMU. */
const included = [
  ...['systemd-sysv', 'dbus', 'iproute2', 'init-system-helpers', 'libstdc++6', 'libsystemd0'],
  // It decides which units the destination agent may start.
  'polkitd',
];

/** The programs that the tests of the packages take. */
export async function installTools(): Promise<void> {
  const missing = missingForPackages();
  if (missing.stable.length === 0) return;
  for (const command of await installCommands(missing)) await runApt(command);
}

/**
 * A fresh Debian with QEMU, unpacked; made once, and never written to.
 * @param more packages that it has besides
 */
export async function debianTree(more: readonly string[] = []): Promise<string> {
  const wanted = [...included, ...more];
  // With what is in it in its name, so that one of an earlier run that lacks something is not taken.
  const tree = join(folder, [release, ...wanted].join('+'));
  if (existsSync(tree)) return tree;
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(join(folder, '.making-'));
  try {
    const mirror = await debianMirror();
    await run(
      'mmdebstrap',
      [
        ...['--variant=minbase', '--mode=root', `--include=${wanted.join(',')}`],
        // In the tree: QEMU's own dependencies must not be pulled from the backports.
        `--customize-hook=chroot "$1" apt-get install -y --no-install-recommends -t ${backports} qemu-system-x86`,
        ...[release, join(scratch, 'root')],
        ...[release, backports].map((suite) => `deb ${mirror} ${suite} main`),
      ],
      { timeoutMs, env: { DEBIAN_FRONTEND: 'noninteractive' } },
    );
    await rename(join(scratch, 'root'), tree);
    return tree;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
