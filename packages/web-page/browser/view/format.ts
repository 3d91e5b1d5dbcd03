const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const BIT_UNITS = ['b/s', 'kb/s', 'Mb/s', 'Gb/s', 'Tb/s'] as const;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What stands where nothing is known. */
export const NOTHING = '–';

/** Three digits, and the unit. What would be rounded to the next unit is shown in it. */
function scaled(amount: number, step: number, units: readonly string[]): string {
  let value = amount;
  let unit = 0;
  while (value >= step - 0.5 && unit < units.length - 1) {
    value /= step;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** In powers of 1024. */
export const formatBytes = (bytes: number): string => scaled(bytes, 1024, BYTE_UNITS);

/** Of bytes a second, as links are measured: bits a second, in powers of 1000. */
export const formatRate = (bytesPerSecond: number): string => scaled(bytesPerSecond * 8, 1000, BIT_UNITS);

/** Of ms. */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < SECOND - 0.5) return `${Math.round(ms)} ms`;
  if (ms < MINUTE - 50) return `${(ms / SECOND).toFixed(ms < 9_995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / SECOND) * SECOND;
  if (seconds < HOUR) return pair(seconds, MINUTE, 'min', SECOND, 's');
  const minutes = Math.round(ms / MINUTE) * MINUTE;
  if (minutes < DAY) return pair(minutes, HOUR, 'h', MINUTE, 'min');
  return pair(Math.round(ms / HOUR) * HOUR, DAY, 'd', HOUR, 'h');
}

function pair(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  return `${Math.floor(ms / large)} ${largeUnit} ${Math.floor((ms % large) / small)} ${smallUnit}`;
}

/** Of a part from 0 to 1: nothing, and all of it, only where it is so. */
export const formatPercent = (part: number): string =>
  part > 0 && part < 0.01 ? '< 1 %' : `${Math.floor(part * 100)} %`;

export const formatCount = (count: number): string => count.toLocaleString('en');

/** The local time, of ms since the epoch. */
export function formatTime(at: number): string {
  const date = new Date(at);
  return `${dayOf(date)} ${minuteOf(date)}:${two(date.getSeconds())}`;
}

/** The same in short: the time on the day of `now`, and no seconds before it. */
export function formatTimeShort(at: number, now: number): string {
  const date = new Date(at);
  const day = dayOf(date);
  const minute = minuteOf(date);
  return day === dayOf(new Date(now)) ? `${minute}:${two(date.getSeconds())}` : `${day} ${minute}`;
}

const dayOf = (date: Date): string =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

const minuteOf = (date: Date): string => `${two(date.getHours())}:${two(date.getMinutes())}`;

const two = (value: number): string => String(value).padStart(2, '0');

/** What is known, formatted. */
export function known(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? NOTHING : format(value);
}

/** The host of a `ws://` or `wss://` URL, which is what differs. */
export const hostOf = (url: string): string => url.replace(/^wss?:\/\//, '').replace(/\/$/, '');
