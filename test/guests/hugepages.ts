import { readFile, writeFile } from 'node:fs/promises';

const setting = '/proc/sys/vm/nr_hugepages';
const hugepageMiB = 2;

async function reserved(): Promise<number> {
  return Number(await readFile(setting, 'utf8'));
}

/**
 * Sets hugepages of 2 MiB aside for guests, for root; returns how to give them back. Undefined where the
 * kernel has none or cannot find enough of them.
 */
export async function reserveHugepages(mebibytes: number): Promise<(() => Promise<void>) | undefined> {
  const before = await reserved().catch(() => undefined);
  if (before === undefined) return undefined;
  const giveBack = (): Promise<void> => writeFile(setting, String(before));
  const wanted = before + Math.ceil(mebibytes / hugepageMiB);
  await writeFile(setting, String(wanted));
  if ((await reserved()) >= wanted) return giveBack;
  await giveBack();
  return undefined;
}
