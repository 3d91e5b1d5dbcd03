/** Arrays and maps within each other; the deepest message, the description of a machine, has four. */
const MAX_DEPTH = 16;

/** Bytes that follow the type byte of a number. */
const NUMBER_BYTES: ReadonlyMap<number, number> = new Map([
  ...[0xca, 0xce, 0xd2].map((type) => [type, 4] as const),
  ...[0xcb, 0xcf, 0xd3].map((type) => [type, 8] as const),
  ...[0xcc, 0xd0].map((type) => [type, 1] as const),
  ...[0xcd, 0xd1].map((type) => [type, 2] as const),
]);
const CONSTANTS: ReadonlySet<number> = new Set([0xc0, 0xc2, 0xc3]);

type Kind = 'string' | 'array' | 'map';

/** Types whose length follows the type byte, with the bytes that the length takes. */
const COUNTED: ReadonlyMap<number, { readonly kind: Kind; readonly bytes: 1 | 2 | 4 }> = new Map([
  [0xd9, { kind: 'string', bytes: 1 }],
  [0xda, { kind: 'string', bytes: 2 }],
  [0xdb, { kind: 'string', bytes: 4 }],
  [0xdc, { kind: 'array', bytes: 2 }],
  [0xdd, { kind: 'array', bytes: 4 }],
  [0xde, { kind: 'map', bytes: 2 }],
  [0xdf, { kind: 'map', bytes: 4 }],
]);

/**
 * Whether `data` is, from `start` on, one value of msgpack that is made of constants, numbers, strings, arrays and
 * maps alone, complete and with nothing after it. msgpackr reads much more: extensions that define records, compile
 * code, or refer to other values, so that a few bytes unfold into gigabytes. None of it is for strangers.
 */
export function isPlainMsgpack(data: Buffer, start: number): boolean {
  /** Values still to come, for each array or map that is open. */
  const open = [1];
  let at = start;
  for (let left = open.pop(); left !== undefined; left = open.pop()) {
    if (left === 0) continue;
    open.push(left - 1);
    const type = data[at++];
    if (type === undefined) return false;
    if (type < 0x80 || type >= 0xe0 || CONSTANTS.has(type)) continue;
    const numberBytes = NUMBER_BYTES.get(type);
    if (numberBytes !== undefined) {
      at += numberBytes;
      continue;
    }
    const counted = COUNTED.get(type);
    if (counted === undefined && type >= 0xc0) return false;
    if (counted !== undefined && at + counted.bytes > data.length) return false;
    const kind = counted?.kind ?? shortKind(type);
    const length = counted === undefined ? shortLength(type) : data.readUIntBE(at, counted.bytes);
    at += counted?.bytes ?? 0;
    if (kind === 'string') {
      at += length;
    } else {
      if (open.length > MAX_DEPTH) return false;
      open.push(kind === 'map' ? length * 2 : length);
    }
  }
  return at === data.length;
}

/** Types below 0xc0 hold their length themselves. */
function shortKind(type: number): Kind {
  if (type < 0x90) return 'map';
  return type < 0xa0 ? 'array' : 'string';
}

function shortLength(type: number): number {
  return type < 0xa0 ? type & 0x0f : type & 0x1f;
}
