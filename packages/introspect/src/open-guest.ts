import { findVmcoreInfo } from './kernel/find-vmcoreinfo.js';
import { openKernel, type Kernel } from './kernel/open-kernel.js';
import { LinuxGuest } from './linux-guest.js';
import type { GuestMemory } from './memory/guest-memory.js';
import { PhysicalMemory } from './memory/physical-memory.js';
import type { OpenOptions } from './open-options.js';
import { orUnsupported, StaleCopy, Unsupported, type UnsupportedResult } from './unsupported.js';

/**
 * Finds the Linux kernel in a guest's memory, or says why there is none that is known. Without
 * {@link OpenOptions.pageTables} all memory is read, and two kernels in it are one too many. What throws here is the
 * reading of memory, or `signal`.
 */
export async function openGuest(
  memory: GuestMemory,
  options: OpenOptions = {},
): Promise<LinuxGuest | UnsupportedResult> {
  const physical = new PhysicalMemory(memory);
  return orUnsupported(async () => new LinuxGuest(physical, await findKernel(physical, options)));
}

async function findKernel(physical: PhysicalMemory, options: OpenOptions): Promise<Kernel> {
  const { pageTables, signal } = options;
  /** Kernels that may be running, each by its own words. The kernel keeps two copies of them. */
  const found = new Map<string, Kernel | Unsupported>();
  let stale: StaleCopy | undefined;
  for await (const info of findVmcoreInfo(physical, signal)) {
    if (found.has(info.text)) continue;
    try {
      found.set(info.text, openKernel(physical, info, pageTables));
    } catch (thrown) {
      if (thrown instanceof StaleCopy) stale ??= thrown;
      else if (thrown instanceof Unsupported) found.set(info.text, thrown);
      else throw thrown;
    }
    if (pageTables !== undefined && found.size > 0) break;
  }
  const [kernel, ...others] = found.values();
  if (kernel === undefined) {
    throw stale ?? new Unsupported('there is no Linux kernel that describes itself (VMCOREINFO)');
  }
  if (others.length > 0) {
    throw new Unsupported(`the memory has ${found.size} kernels, and nothing says which one runs`);
  }
  if (kernel instanceof Unsupported) throw kernel;
  return kernel;
}
