import { readFile, writeFile } from 'node:fs/promises';

const RESERVED = '/proc/sys/vm/nr_hugepages';
const HUGEPAGE_MIB = 2;

/**
 * Runs `action` while so many MiB of 2 MiB pages are set aside for its QEMUs, which must have ended when it returns.
 * For root. Whatever was set aside before is so again afterwards.
 */
export async function withHugepages(mebibytes: number, action: () => Promise<void>): Promise<void> {
  const before = await reservedPages();
  const wanted = before + Math.ceil(mebibytes / HUGEPAGE_MIB);
  try {
    await writeFile(RESERVED, String(wanted));
    if ((await reservedPages()) < wanted) {
      // Free memory may lie in pieces that are too small.
      await writeFile('/proc/sys/vm/compact_memory', '1').catch(() => undefined);
      await writeFile(RESERVED, String(wanted));
    }
    const reserved = await reservedPages();
    if (reserved < wanted) throw new Error(`the kernel has ${reserved} huge pages and not ${wanted}`);
    await action();
  } finally {
    await writeFile(RESERVED, String(before));
  }
}

async function reservedPages(): Promise<number> {
  return Number(await readFile(RESERVED, 'utf8'));
}
