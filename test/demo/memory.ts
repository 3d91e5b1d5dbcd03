import type { Guest } from '../guests/guest.js';

/** For the guest's kernel and its first file system. */
const reservedMiB = 128;
const filledShare = 0.8;
/** Guests hold what compresses, what does not, and nothing. */
const contents = [
  { content: 'random', share: 0.5 },
  { content: 'text', share: 0.3 },
  { content: 'zero', share: 0.2 },
] as const;

/** Fills most of the guest's memory; returns how many pages. */
export async function fillMemory({ workload, options }: Guest): Promise<number> {
  const mebibytes = (options.memoryMiB - reservedMiB) * filledShare;
  let pages = 0;
  for (const [seed, { content, share }] of contents.entries()) {
    pages += (await workload.fill(Math.floor(mebibytes * share), seed + 1, content)).pages;
  }
  return pages;
}
