import { execFile } from 'node:child_process';
import { arch } from 'node:process';
import { promisify } from 'node:util';
import type { Finding } from './finding.js';

const execute = promisify(execFile);

const OLDEST = [8, 2] as const;
const TIMEOUT_MS = 10_000;
const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const NEWER =
  'install QEMU 8.2 or newer; on Debian 12: apt-get install -t bookworm-backports qemu-system-x86';

/** Where QEMU is looked for; the second is that of RHEL and its kin. */
export const usualPrograms: readonly string[] = [
  `qemu-system-${architectures[arch] ?? arch}`,
  '/usr/libexec/qemu-kvm',
];

/** Whether one of the programs is a QEMU, and new enough. */
export async function checkQemu(programs: readonly string[]): Promise<Finding> {
  const name = 'QEMU 8.2 or newer';
  for (const program of programs) {
    const version = await versionOf(program);
    if (version === undefined) continue;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const isNew = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
    const detail = `${program} is ${version}`;
    return isNew ? { name, ok: true, detail } : { name, ok: false, detail, fix: NEWER };
  }
  return {
    name,
    ok: false,
    detail: `none of ${programs.join(', ')} runs`,
    fix: `${NEWER}; or name it with --qemu`,
  };
}

async function versionOf(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await execute(program, ['--version'], { timeout: TIMEOUT_MS });
    return /version (\d+\.\d+(?:\.\d+)?)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}
