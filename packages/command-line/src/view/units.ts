const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const STEP = 1024;
/** The agents count pages of so many bytes. */
export const PAGE_BYTES = 4096;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Three digits, and a unit of powers of 1024. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What would be rounded to the next unit is shown in it.
  while (value >= STEP - 0.5 && unit < UNITS.length - 1) {
    value /= STEP;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

export const formatRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** From ms. */
export function formatDuration(ms: number): string {
  if (ms < SECOND - 0.5) return `${Math.round(ms)} ms`;
  if (ms < MINUTE - 50) return `${(ms / SECOND).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND) * SECOND;
  if (seconds < HOUR)
    return `${Math.floor(seconds / MINUTE)} min ${Math.floor((seconds % MINUTE) / SECOND)} s`;
  const minutes = Math.round(ms / MINUTE) * MINUTE;
  if (minutes < DAY) return `${Math.floor(minutes / HOUR)} h ${Math.floor((minutes % HOUR) / MINUTE)} min`;
  const hours = Math.round(ms / HOUR) * HOUR;
  return `${Math.floor(hours / DAY)} d ${Math.floor((hours % DAY) / HOUR)} h`;
}

export const formatPercent = (fraction: number): string => `${Math.floor(fraction * 100)}%`;

/** The local time, of ms since the epoch. */
export function formatTime(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
