import type { DiskReport } from '../api/schemas.js';
import { formatBytes } from './units.js';

type ReportedDisk = DiskReport['disks'][number];

/** Which of a guest's disks its page cache can come from, and how that is known; nothing where that is not wanted. */
export function diskLines(report: DiskReport | null): string[] {
  if (report === null) return [];
  const { reason, disks } = report;
  return [
    'page cache from shared disks:',
    ...disks.map((disk) => `  ${lineOf(disk)}`),
    ...(reason === null ? [] : [`  nothing could be compared: ${reason}`]),
  ];
}

const verdicts: ReadonlyMap<string, string> = new Map([
  ['shared', 'shared'],
  ['different', 'not shared, what is there has other contents'],
  ['unreadable', 'not known, it cannot be read there'],
  ['same-length', 'not known, but as long as one there'],
  ['absent', 'not shared, nothing there is as long'],
]);

function lineOf({ name, bytes, state, there, sameImage, samples }: ReportedDisk): string {
  const { equal, different, unreadable } = samples;
  const read = equal + different;
  const known = [
    ...(read === 0 ? [] : [`${equal} of ${read} blocks are the same`]),
    ...(unreadable === 0 ? [] : [`${unreadable} blocks were not read`]),
    ...(sameImage ? ['the image has the same name'] : []),
    ...(there === null ? [] : [`there it is ${there}`]),
  ];
  const how = known.length === 0 ? '' : ` (${known.join(', ')})`;
  return `${name}, ${formatBytes(bytes)}: ${verdicts.get(state) ?? state}${how}`;
}
