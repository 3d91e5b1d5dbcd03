import type { Setting } from './settings.js';

/** Stands in a page where the settings come. */
const SETTINGS_MARK = '.\\" SETTINGS';

/**
 * A manual page, written by hand in mdoc(7), with its settings in place of a line that says SETTINGS.
 *
 * @param date as mdoc has it: `November 21, 2026`
 */
export function manualPage(page: string, settings: readonly Setting[], date: string): string {
  const items = settings.flatMap(({ flag, variable, description, byDefault, values }) => [
    `.It Fl Fl ${flag.slice(2)} Ar value , Ev ${variable}`,
    escaped(`${description}.`),
    ...(values.length > 0 ? [escaped(`One of: ${values.join(', ')}.`)] : []),
    ...(byDefault === undefined ? [] : [escaped(`Default: ${byDefault}.`)]),
  ]);
  return page.replace(SETTINGS_MARK, items.join('\n')).replace('$Mdocdate$', date);
}

/** Text as it is, whatever it begins with. */
function escaped(text: string): string {
  return text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/^([.'])/, '\\&$1');
}

export function manualDate(secondsSinceEpoch: number): string {
  return new Date(secondsSinceEpoch * 1000).toLocaleDateString('en-US', {
    timeZone: 'UTC',
    year: 'numeric',
    month: 'long',
    day: 'numeric',
  });
}
