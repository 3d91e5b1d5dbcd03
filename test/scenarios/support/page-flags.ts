import { gunzipSync } from 'node:zlib';
import type { PageClassName } from '@pageferry/introspect';
import { eventually } from '../../environment/deadline.js';
import type { Guest } from '../../guests/guest.js';
import { run, textOf } from './introspected-guest.js';

/** Bits of /proc/kpageflags: include/uapi/linux/kernel-page-flags.h. */
const bits = {
  locked: 0,
  uptodate: 3,
  dirty: 4,
  lru: 5,
  slab: 7,
  writeback: 8,
  buddy: 10,
  mapped: 11,
  anonymous: 12,
  swapBacked: 14,
  huge: 17,
  unevictable: 18,
  nopage: 20,
} as const;

const path = '/tmp/page-flags';
/** Of the record's size, all alike, after which it is whole. */
const looksThatSettle = 8;

/**
 * Has the guest write down what /proc/kpageflags says. The program that does it stays alive, so that its end does not
 * change what it saw.
 */
export async function recordPageFlags(guest: Guest): Promise<void> {
  const record = `tail -c +1 -f /proc/kpageflags >> ${path} 2>/dev/null & echo $! > /tmp/recorder`;
  await run(guest, `: > ${path}; ${record}`);
  let size = '0';
  let looksAlike = 0;
  await eventually(
    async () => {
      const before = size;
      size = await guest.workload.output(`stat -c %s ${path}`);
      looksAlike = size === before ? looksAlike + 1 : 0;
      // A busy host may keep the recorder waiting for some looks.
      return size !== '0' && looksAlike === looksThatSettle;
    },
    10_000,
    'the record of page flags',
  );
}

/** What was recorded: 64 bits for each frame. */
export async function fetchPageFlags(guest: Guest): Promise<BigUint64Array> {
  await run(guest, 'kill $(cat /tmp/recorder)');
  const text = await textOf(guest, `gzip -c ${path} | base64`);
  const content = gunzipSync(Buffer.from(text, 'base64'));
  return new BigUint64Array(new Uint8Array(content).buffer);
}

/** The class of a page according to its flags; `unmarked` pages have none: of the kernel, or on a processor's list. */
export function classByFlags(flags: bigint): PageClassName | 'unmarked' {
  const has = (...names: (keyof typeof bits)[]): boolean =>
    names.some((name) => ((flags >> BigInt(bits[name])) & 1n) === 1n);
  if (flags === 0n) return 'unmarked';
  if (has('buddy')) return 'free';
  if (has('slab', 'nopage')) return 'kernel';
  if (has('anonymous')) return 'anonymous';
  if (!has('lru', 'unevictable', 'huge')) return 'kernel';
  if (has('swapBacked')) return 'anonymous';
  const clean = has('uptodate') && !has('mapped', 'dirty', 'writeback', 'unevictable', 'locked', 'huge');
  return clean ? 'cache' : 'inode';
}
