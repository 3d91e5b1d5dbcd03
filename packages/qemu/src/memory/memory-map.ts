/** One mapping of a process's address space: a line of /proc/PID/maps (proc_pid_maps(5)). */
export interface Mapping {
  readonly start: number;
  /** The first address behind it. */
  readonly end: number;
  /** Private and of no file: what was never touched reads as zero, and is nowhere else. */
  readonly anonymous: boolean;
}

export function parseMemoryMap(text: string): Mapping[] {
  return [
    ...text.matchAll(/^([\da-f]+)-([\da-f]+) [r-][w-][x-]([ps]) [\da-f]+ [\da-f]+:[\da-f]+ (\d+)/gm),
  ].map(([, start = '', end = '', sharing, inode]) => ({
    start: parseInt(start, 16),
    end: parseInt(end, 16),
    anonymous: sharing === 'p' && inode === '0',
  }));
}

/** The mappings that hold [start, end), or undefined if part of it is not mapped. */
export function mappingsOf(
  map: readonly Mapping[],
  start: number,
  end: number,
): readonly Mapping[] | undefined {
  const found = map.filter((mapping) => mapping.start < end && mapping.end > start);
  let reached = start;
  for (const mapping of found) {
    if (mapping.start > reached) return undefined;
    reached = mapping.end;
  }
  return reached >= end ? found : undefined;
}
