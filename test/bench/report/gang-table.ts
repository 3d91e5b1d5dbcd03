import { inBrackets, medianOf, milliseconds, none, table, thousands } from './format.js';
import type { Summary } from './summary.js';

/** Of the encodings that go by another name in the document. */
const titles: Readonly<Record<string, string>> = {
  normal: 'in full',
  compressed: 'of these compressed',
  reference: 'identical',
  patch: 'similar',
  free: 'of these free',
};

/** How the pages of gangs went: what each way of sending less has saved, by itself. Nothing if there are none. */
export function gangTable(rows: readonly Summary[]): string[] {
  const gangs = rows.flatMap(({ method, gang }) => (gang === null ? [] : [{ method, gang }]));
  if (gangs.length === 0) return [];
  const encodings = [...new Set(gangs.flatMap(({ gang }) => Object.keys(gang.pages)))];
  return [
    '',
    'The guests of each run, and how their pages went, in thousands:',
    '',
    ...table(
      [
        ...['method', 'guests completed', 'longest downtime ms'],
        ...encodings.map((encoding) => titles[encoding] ?? encoding),
      ],
      gangs.map(({ method, gang }) => [
        method,
        gang.completedGuests === null ? none : `${gang.completedGuests.min} of ${gang.guests}`,
        inBrackets(gang.longestDowntime, milliseconds),
        ...encodings.map((encoding) => medianOf(gang.pages[encoding] ?? null, thousands)),
      ]),
    ),
  ];
}
