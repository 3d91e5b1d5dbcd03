const POWERS = { '': 0, k: 1, K: 1, M: 2, G: 3, T: 4 } as const;

type Prefix = keyof typeof POWERS;

function isPrefix(text: string): text is Prefix {
  return Object.hasOwn(POWERS, text);
}

/** A positive number with a unit, such as `1.5GiB` or `100Mb`; undefined if it is none. */
function parse(text: string, unit: RegExp): number | undefined {
  const [, digits = '', prefix = '', binary = ''] =
    new RegExp(`^(\\d+(?:\\.\\d+)?) ?([kKMGT]?)(i?)${unit.source}$`).exec(text) ?? [];
  const value = Number(digits);
  if (digits === '' || !(value > 0) || !isPrefix(prefix)) return undefined;
  return value * (binary === '' ? 1000 : 1024) ** POWERS[prefix];
}

/** `1TiB`, `512MB` and the like in bytes. */
export function parseBytes(text: string): number | undefined {
  return parse(text, /B/);
}

/** `100Gb`, `1Gbit/s`, or in bytes `125MB`, in bytes a second. */
export function parseBandwidth(text: string): number | undefined {
  const bits = parse(text, /(?:b|bit)(?:\/s|ps)?/);
  return bits === undefined ? parse(text, /B(?:\/s)?/) : bits / 8;
}

/** `500ms`, `2s`, `5min` or a number of ms, in ms. */
export function parseDuration(text: string): number | undefined {
  const [, digits = '', unit = 'ms'] = /^(\d+(?:\.\d+)?) ?(ms|s|min|h)?$/.exec(text) ?? [];
  if (digits === '') return undefined;
  const factor = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 }[unit] ?? NaN;
  return Number(digits) * factor;
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let power = 0;
  while (value >= base && power < units.length - 1) {
    value /= base;
    power++;
  }
  return `${Number(value.toPrecision(3))} ${units[power] ?? ''}`;
}

export function formatBytes(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
}

export function formatRate(bytesPerSecond: number): string {
  return scaled(bytesPerSecond, 1000, ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s']);
}

export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 600_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${(ms / 60_000).toFixed(1)} min`;
}
