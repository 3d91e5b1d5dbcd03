import type { Spread } from './spread.js';

const mebibyte = 1024 * 1024;

export const none = '–';

export const milliseconds = (value: number): string => value.toFixed(0);
export const seconds = (value: number): string => (value / 1000).toFixed(1);
export const mebibytes = (bytes: number): string => (bytes / mebibyte).toFixed(0);
export const thousands = (count: number): string => (count / 1000).toFixed(1);
/** Of something a second. */
export const rate = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
export const percent = (part: number): string => (part * 100).toFixed(0);
export const factor = (value: number | null | undefined): string => value?.toFixed(2) ?? none;

/** The median, with the smallest and the largest value in brackets. */
export function inBrackets(spread: Spread | null, format: (value: number) => string): string {
  if (spread === null) return none;
  const [median, min, max] = [spread.median, spread.min, spread.max].map(format);
  return min === max ? (median ?? none) : `${median} (${min}–${max})`;
}

export const medianOf = (spread: Spread | null, format: (value: number) => string): string =>
  spread === null ? none : format(spread.median);

/** A table in Markdown. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)];
}
