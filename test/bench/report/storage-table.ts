import { inBrackets, mebibytes, none, percent, rate, seconds, table } from './format.js';
import type { Summary } from './summary.js';

/** What was read from storage, and what that means for the guest; nothing if there was no storage host. */
export function storageTable(rows: readonly Summary[]): string[] {
  if (rows.every(({ storageBytes }) => storageBytes === null)) return [];
  const window = rows.flatMap(({ around }) => around ?? [])[0]?.windowMs;
  const looked = window === undefined ? [] : [seconds(window)];
  return [
    '',
    'Received by the destination from storage during the migration, headers included, which is no part of what was sent' +
      looked
        .map(
          (s) =>
            `; and the guest's work a second, and what it has read from its disk, in the ${Number(s)} s before the migration and in ` +
            'those after it has begun to run on the destination',
        )
        .join('') +
      ':',
    '',
    ...table(
      [
        ...['method', 'from storage MiB'],
        ...(window === undefined
          ? []
          : ['work before', 'work after', 'lost %', 'disk before MiB', 'disk after MiB']),
      ],
      rows.map((row) => [
        row.method,
        inBrackets(row.storageBytes, mebibytes),
        ...(window === undefined ? [] : aroundCells(row)),
      ]),
    ),
  ];
}

function aroundCells({ around }: Summary): string[] {
  if (around === null) return Array.from({ length: 5 }, () => none);
  return [
    inBrackets(around.rateBefore, rate),
    inBrackets(around.rateAfter, rate),
    inBrackets(around.lost, percent),
    inBrackets(around.readBytesBefore, mebibytes),
    inBrackets(around.readBytesAfter, mebibytes),
  ];
}
