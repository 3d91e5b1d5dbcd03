import { findVmcoreInfo } from './kernel/find-vmcoreinfo.js';
import { openKernel, reopenKernel, type Kernel } from './kernel/open-kernel.js';
import { LinuxGuest, type KnownLinux } from './linux-guest.js';
import type { GuestMemory } from './memory/guest-memory.js';
import { PhysicalMemory } from './memory/physical-memory.js';
import type { OpenOptions } from './open-options.js';
import { orUnsupported, StaleCopy, Unsupported, type UnsupportedResult } from './unsupported.js';

/**
 * Finds the Linux kernel in a guest's memory, or says why there is none that is known. Without
 * {@link OpenOptions.pageTables} all memory is read, and two kernels in it are one too many. What throws here is the
 * reading of memory, or `signal`.
 * @param known what {@link LinuxGuest.known} was, when this guest was opened before: its kernel is searched for only if it is
 *   another one now
 */
export async function openGuest(
  memory: GuestMemory,
  options: OpenOptions = {},
  known?: KnownLinux,
): Promise<LinuxGuest | UnsupportedResult> {
  const physical = new PhysicalMemory(memory);
  return orUnsupported(async () => {
    const again = known && reopen(physical, known, options);
    return again ?? new LinuxGuest(physical, await findKernel(physical, options), {});
  });
}

/** Undefined if the guest has another kernel by now. */
function reopen(
  physical: PhysicalMemory,
  { kernel, files }: KnownLinux,
  { pageTables }: OpenOptions,
): LinuxGuest | undefined {
  try {
    return new LinuxGuest(physical, reopenKernel(physical, kernel, pageTables), files);
  } catch (thrown) {
    if (thrown instanceof Unsupported) return undefined;
    throw thrown;
  }
}

async function findKernel(physical: PhysicalMemory, options: OpenOptions): Promise<Kernel> {
  const { pageTables, signal } = options;
  /** Kernels that may be running, each by its own words. The kernel keeps two copies of them. */
  const kernels = new Map<string, Kernel | Unsupported>();
  let stale: StaleCopy | undefined;
  for await (const found of findVmcoreInfo(physical, signal)) {
    const { text } = found.info;
    if (kernels.has(text)) continue;
    try {
      kernels.set(text, openKernel(physical, found, pageTables));
    } catch (thrown) {
      if (thrown instanceof StaleCopy) stale ??= thrown;
      else if (thrown instanceof Unsupported) kernels.set(text, thrown);
      else throw thrown;
    }
    if (pageTables !== undefined && kernels.size > 0) break;
  }
  const [kernel, ...others] = kernels.values();
  if (kernel === undefined) {
    throw stale ?? new Unsupported('there is no Linux kernel that describes itself (VMCOREINFO)');
  }
  if (others.length > 0) {
    throw new Unsupported(`the memory has ${kernels.size} kernels, and nothing says which one runs`);
  }
  if (kernel instanceof Unsupported) throw kernel;
  return kernel;
}
