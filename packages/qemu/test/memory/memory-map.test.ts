import { describe, expect, it } from 'vitest';
import { mappingsOf, parseMemoryMap } from '../../src/memory/memory-map.js';

const MAP = `\
55d0a0000000-55d0a0010000 r-xp 00001000 fe:00 338944                     /usr/bin/qemu system
7f0000000000-7f0000200000 rw-p 00000000 00:00 0
7f0000200000-7f0000300000 rw-p 00000000 00:00 0                          [anon: ram]
7f0000400000-7f0000500000 rw-s 00000000 00:01 1027                       /memfd:memory-backend-memfd (deleted)
7f0000500000-7f0000600000 rw-p 00000000 00:05 77                         /tmp/ram
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
`;

describe('parseMemoryMap', () => {
  it('knows which memory is private and of no file', () => {
    expect(parseMemoryMap(MAP).map(({ anonymous }) => anonymous)).toEqual([
      false,
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(parseMemoryMap(MAP)[1]).toMatchObject({ start: 0x7f0000000000, end: 0x7f0000200000 });
  });
});

describe('mappingsOf', () => {
  const map = parseMemoryMap(MAP);

  it('finds a range in one mapping and across neighbours', () => {
    expect(mappingsOf(map, 0x7f0000000000, 0x7f0000001000)).toHaveLength(1);
    expect(mappingsOf(map, 0x7f0000100000, 0x7f0000300000)).toHaveLength(2);
  });

  it('finds nothing where a part is not mapped', () => {
    expect(mappingsOf(map, 0x7f0000200000, 0x7f0000301000)).toBeUndefined();
    expect(mappingsOf(map, 0x7f0000200000, 0x7f0000500000)).toBeUndefined();
    expect(mappingsOf(map, 0x7f00003ff000, 0x7f0000401000)).toBeUndefined();
    expect(mappingsOf(map, 0x1000, 0x2000)).toBeUndefined();
  });
});
