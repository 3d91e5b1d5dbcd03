/**
 * What a page is used for; values of one byte.
 *
 * - `kernel`: the kernel's own (slabs, page tables, stacks, what is reserved), and all of which nothing is known.
 * - `free`: nobody's, in a free block or on a processor's list.
 * - `anonymous`: memory of processes without a file behind it: also shared memory and what lies in a tmpfs.
 * - `inode`: pages of files that a process has mapped, or that are not clean.
 * - `cache`: clean pages of files that nobody has mapped.
 */
export const pageClass = { kernel: 0, free: 1, anonymous: 2, inode: 3, cache: 4 } as const;

export type PageClassName = keyof typeof pageClass;

export const pageClassNames = [
  'kernel',
  'free',
  'anonymous',
  'inode',
  'cache',
] as const satisfies PageClassName[];

export type PageCounts = Readonly<Record<PageClassName, number>>;

export function countClasses(classes: Uint8Array): PageCounts {
  const counts = new Uint32Array(pageClassNames.length);
  for (const value of classes) counts[value] = (counts[value] ?? 0) + 1;
  const [kernel = 0, free = 0, anonymous = 0, inode = 0, cache = 0] = counts;
  return { kernel, free, anonymous, inode, cache };
}
