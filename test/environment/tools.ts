import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Packages } from './apt.js';
import { run, searchPath } from './run.js';

export const minimumQemu = '8.2';

const tools = [
  { program: 'gcc', debianPackage: 'gcc' },
  { program: 'mke2fs', debianPackage: 'e2fsprogs' },
  { program: 'mkfs.xfs', debianPackage: 'xfsprogs' },
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'tc', debianPackage: 'iproute2' },
  { program: 'setpriv', debianPackage: 'util-linux' },
  { program: 'systemd-analyze', debianPackage: 'systemd' },
  { program: 'libvirtd', debianPackage: 'libvirt-daemon' },
  { program: 'virsh', debianPackage: 'libvirt-clients' },
  { program: 'chromium', debianPackage: 'chromium' },
] as const;
/** Of the tests of the packages alone. */
const packageTools = [
  { program: 'mmdebstrap', debianPackage: 'mmdebstrap' },
  { program: 'systemd-nspawn', debianPackage: 'systemd-container' },
  { program: 'openssl', debianPackage: 'openssl' },
] as const;
const staticLibrary = { path: '/usr/lib/x86_64-linux-gnu/libc.a', debianPackage: 'libc6-dev' } as const;
const qemuPackages = ['qemu-system-x86', 'qemu-utils'] as const;

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

const isInstalled = (program: string): boolean =>
  searchPath.split(':').some((folder) => isReadable(join(folder, program)));

/** QEMU's version as `major.minor.micro`, or undefined where there is no QEMU. */
export async function qemuVersion(): Promise<string | undefined> {
  if (!isInstalled('qemu-system-x86_64') || !isInstalled('qemu-img')) return undefined;
  const banner = await run('qemu-system-x86_64', ['--version']);
  return /version (\d+\.\d+\.\d+)/.exec(banner)?.[1];
}

export function isRecentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [minimumMajor = 0, minimumMinor = 0] = minimumQemu.split('.').map(Number);
  return major > minimumMajor || (major === minimumMajor && minor >= minimumMinor);
}

/** What has to be installed, too, for the packages to be tested. */
export function missingForPackages(): Packages {
  const missing = packageTools.filter(({ program }) => !isInstalled(program));
  return { stable: missing.map(({ debianPackage }) => debianPackage), backports: [] };
}

/** What has to be installed for the tests to run. */
export async function missingPackages(): Promise<Packages> {
  const stable = new Set<string>();
  for (const { program, debianPackage } of tools) if (!isInstalled(program)) stable.add(debianPackage);
  if (!isReadable(staticLibrary.path)) stable.add(staticLibrary.debianPackage);
  const version = await qemuVersion();
  const backports = version !== undefined && isRecentEnough(version) ? [] : qemuPackages;
  return { stable: [...stable], backports };
}
