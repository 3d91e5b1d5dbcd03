import type { FakeImage } from './fake-image.js';

/** Writes the kernel's table of symbols; each token is one character. */
export function placeSymbols(image: FakeImage, symbols: ReadonlyMap<string, bigint>): void {
  const base = 0xffff_ffff_8000_0000n;
  const names = [...symbols].map(([name]) => Buffer.from(`\0T${name}`, 'latin1'));
  for (const name of names) name[0] = name.length - 1;
  // Read in large pieces, to the end of one.
  image.place('kallsyms_names', Buffer.concat([...names, Buffer.alloc(512 * 1024)]));

  const count = Buffer.alloc(4);
  count.writeInt32LE(symbols.size);
  image.place('kallsyms_num_syms', count);
  image.put64(image.place('kallsyms_relative_base', 8), base);
  const offsets = [...symbols.values()].map((address) => Number(base - 1n - address));
  image.place('kallsyms_offsets', Buffer.from(Int32Array.from(offsets).buffer));

  const characters = Array.from({ length: 255 }, (_, index) => `${String.fromCharCode(index + 1)}\0`);
  image.place('kallsyms_token_table', Buffer.from(`\0${characters.join('')}`, 'latin1'));
  const starts = Uint16Array.from({ length: 256 }, (_, token) => Math.max(0, 2 * token - 1));
  image.place('kallsyms_token_index', Buffer.from(starts.buffer));
}
