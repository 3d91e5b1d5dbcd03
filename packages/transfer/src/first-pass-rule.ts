/**
 * A link that carries less than this share of what can be read of QEMU's first pass would hold it up. Then the pass is
 * read to its end meanwhile: only after it the log begins to tell hot pages from cold ones. Over a faster link that would
 * cost more processor time than it spares bandwidth.
 */
const SLOW_LINK_SHARE = 0.25;

/** Whether the first pass is read ahead of what the link takes; both in bytes a second, the link's undefined if not known. */
export function isReadAhead(linkBytesPerSecond: number | undefined, readBytesPerSecond: number): boolean {
  return (linkBytesPerSecond ?? Infinity) < readBytesPerSecond * SLOW_LINK_SHARE;
}
