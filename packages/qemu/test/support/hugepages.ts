import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { sleep } from '@pageferry/errors';

const RESERVED = '/proc/sys/vm/nr_hugepages';
const HUGEPAGE_MIB = 2;
/** A socket's name that one process has at a time, and loses with its end: the kernel knows only how many pages all want. */
const LOCK = '\0pageferry-tests-hugepages';
const LOCK_PAUSE_MS = 50;
const LOCK_ATTEMPTS = 600;

/**
 * Runs `action` while so many MiB of 2 MiB pages are set aside for its QEMUs, which must have ended when it returns.
 * For root. Whatever was set aside before is so again afterwards; tests of other processes wait for it meanwhile.
 */
export async function withHugepages(mebibytes: number, action: () => Promise<void>): Promise<void> {
  const lock = await takeLock();
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
    lock.close();
  }
}

async function reservedPages(): Promise<number> {
  return Number(await readFile(RESERVED, 'utf8'));
}

async function takeLock(): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const server = createServer();
    try {
      server.listen(LOCK);
      await once(server, 'listening');
      return server;
    } catch (cause) {
      if (attempt === LOCK_ATTEMPTS) throw new Error('the huge pages cannot be had', { cause });
    }
    await sleep(LOCK_PAUSE_MS);
  }
}
