import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  kbit: 1e3 / 8,
  mbit: 1e6 / 8,
  gbit: 1e9 / 8,
};

/** Bytes a second: `100MiB`, `1Gbit/s`, or a plain number. */
export function rate(text: string): number {
  const value = amount(/^(\d+(?:\.\d+)?) ?([a-z]*)(?:\/s)?$/i.exec(text.trim()));
  if (value !== undefined) return value;
  throw new InvalidArgumentError('A rate such as 100MiB, 1Gbit or 0 (no limit) is wanted.');
}

/** Bytes: `256MiB`, or a plain number. */
export function bytes(text: string): number {
  const value = amount(/^(\d+(?:\.\d+)?) ?((?:[kmg]i?)?b|)$/i.exec(text.trim()));
  if (value !== undefined) return value;
  throw new InvalidArgumentError('A size such as 256MiB or 1GiB is wanted.');
}

/** By a number and its unit; undefined if there is no such unit. */
function amount(match: RegExpExecArray | null): number | undefined {
  const [, number, unit = ''] = match ?? [];
  const factor = UNITS[unit.toLowerCase()];
  return number === undefined || factor === undefined ? undefined : Math.round(Number(number) * factor);
}

/** A whole number from `least`. */
export const integer =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`A whole number from ${least} is wanted.`);
  };

/** A number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('A number above 0 is wanted.');
}

/** The address of a destination agent. */
export function streamUrl(text: string): string {
  if (URL.canParse(text) && /^wss?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('The address of a destination agent such as wss://10.0.0.2:7411 is wanted.');
}
