import { readFile } from 'node:fs/promises';
import { checkDirectory, type Check } from '@pageferry/daemon';
import { asPageferryError } from '@pageferry/errors';
import { listDomains } from '@pageferry/qemu';
import type { SourceConfiguration } from './configuration.js';

/** CAP_SYS_PTRACE, capabilities(7). */
const PTRACE_BIT = 19n;

/** What must be so for a migration to begin here. */
export async function checkSource({
  guestDirectory,
  stateDirectory,
  runtimeDirectory,
  libvirtUri,
}: SourceConfiguration): Promise<Check[]> {
  return [
    await checkDirectory('guest-directory', guestDirectory, false),
    await checkDirectory('state-directory', stateDirectory, true),
    await checkDirectory('runtime-directory', runtimeDirectory, true),
    await checkMemoryAccess(),
    ...(libvirtUri === '' ? [] : [await checkLibvirt(libvirtUri)]),
  ];
}

async function checkLibvirt(uri: string): Promise<Check> {
  const name = 'libvirt';
  try {
    const domains = await listDomains(uri);
    return { name, ok: true, detail: `${uri}: ${domains.filter(({ active }) => active).length} domains run` };
  } catch (thrown) {
    return { name, ok: false, detail: `${uri}: ${asPageferryError(thrown).message}` };
  }
}

/** Whether the memory of another process may be read, as far as capabilities say it. */
async function checkMemoryAccess(): Promise<Check> {
  const name = 'guest-memory';
  const status = await readFile('/proc/self/status', 'latin1');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return ((effective >> PTRACE_BIT) & 1n) === 1n
    ? { name, ok: true, detail: 'CAP_SYS_PTRACE' }
    : {
        name,
        ok: false,
        detail:
          "the agent lacks CAP_SYS_PTRACE, and cannot read QEMU's memory: run it as the unit in deploy/ does",
      };
}
