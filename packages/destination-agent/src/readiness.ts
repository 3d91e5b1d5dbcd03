import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { checkDirectory, type Check } from '@pageferry/daemon';
import type { DestinationConfiguration } from './configuration.js';
import type { IncomingDriver } from './drivers/driver.js';

/** CAP_SYS_PTRACE, capabilities(7): whoever has it may use userfaultfd. */
const PTRACE_BIT = 19n;

/** What must be so for a guest to come in here. */
export async function checkDestination(
  { stateDirectory, runtimeDirectory }: DestinationConfiguration,
  driver: IncomingDriver,
): Promise<Check[]> {
  return [
    ...(await driver.checks()),
    await checkDirectory('state-directory', stateDirectory, true),
    await checkDirectory('runtime-directory', runtimeDirectory, true),
    await checkUserfaultfd(),
  ];
}

/** Post-copy stands on it. That QEMU may use it as this agent may is likely; a dry run knows. */
async function checkUserfaultfd(): Promise<Check> {
  const name = 'userfaultfd';
  const [setting, status, device] = await Promise.all([
    readFile('/proc/sys/vm/unprivileged_userfaultfd', 'latin1').catch(() => undefined),
    readFile('/proc/self/status', 'latin1'),
    access('/dev/userfaultfd', constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    ),
  ]);
  if (setting === undefined)
    return { name, ok: false, detail: 'this kernel has no userfaultfd: no post-copy' };
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const privileged = ((effective >> PTRACE_BIT) & 1n) === 1n;
  if (setting.trim() === '1') return { name, ok: true, detail: 'vm.unprivileged_userfaultfd=1' };
  if (device || privileged) return { name, ok: true, detail: 'for privileged processes' };
  return { name, ok: false, detail: 'no post-copy: set vm.unprivileged_userfaultfd=1, or run QEMU as root' };
}
