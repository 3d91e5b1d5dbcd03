import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import type { Check } from '@pageferry/daemon';

const NAME = 'userfaultfd';
const SETTING = '/proc/sys/vm/unprivileged_userfaultfd';
/** Hidden from a process whose unit has `ProcSubset=pid`, as that of this agent in `deploy/` has. */
const SETTINGS = '/proc/sys/vm';
const DEVICE = '/dev/userfaultfd';
/** CAP_SYS_PTRACE, capabilities(7): whoever has it may use userfaultfd. */
const PTRACE_BIT = 19n;

/** What this process sees of its host. */
export interface HostView {
  /** The content of a file; undefined if it cannot be read. */
  readonly read: (path: string) => Promise<string | undefined>;
  /** Whether this process may do this with a file (access(2)). */
  readonly may: (path: string, mode: number) => Promise<boolean>;
}

const thisHost: HostView = {
  read: (path) => readFile(path, 'latin1').catch(() => undefined),
  may: (path, mode) =>
    access(path, mode).then(
      () => true,
      () => false,
    ),
};

/**
 * Post-copy stands on it. That QEMU may use it as this agent may is likely; a dry run knows, and is all that knows where the agent
 * is shown neither the kernel's settings nor devices.
 */
export async function checkUserfaultfd({ read, may }: HostView = thisHost): Promise<Check> {
  if (await may(DEVICE, constants.R_OK | constants.W_OK)) return ok(DEVICE);
  if (!(await may(SETTINGS, constants.F_OK)))
    return ok('hidden from this agent: a dry run in a mode with post-copy says whether QEMU may use it');
  const setting = await read(SETTING);
  if (setting === undefined) return missing('this kernel has no userfaultfd: no post-copy');
  if (setting.trim() === '1') return ok('vm.unprivileged_userfaultfd=1');
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec((await read('/proc/self/status')) ?? '')?.[1];
  if (((BigInt(`0x${capabilities ?? '0'}`) >> PTRACE_BIT) & 1n) === 1n) return ok('for privileged processes');
  return missing('no post-copy: set vm.unprivileged_userfaultfd=1, or run QEMU as root');
}

const ok = (detail: string): Check => ({ name: NAME, ok: true, detail });
const missing = (detail: string): Check => ({ name: NAME, ok: false, detail });
