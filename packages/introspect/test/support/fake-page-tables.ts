import type { FakeImage } from './fake-image.js';

const PRESENT = 1n;
const LARGE = 0x80n;

/** Maps large pages: of 2 MiB at level 2, of 1 GiB at level 3. */
export class FakePageTables {
  readonly root: number;
  readonly #image: FakeImage;
  readonly #levels: number;
  #tables = 0;

  constructor(image: FakeImage, levels: number) {
    this.#image = image;
    this.#levels = levels;
    this.root = image.place('swapper_pg_dir', 4096);
  }

  map(virtual: bigint, physical: number, atLevel: 2 | 3): void {
    let table = this.root;
    for (let level = this.#levels; level >= atLevel; level--) {
      const at = table + Number((virtual >> BigInt(12 + 9 * (level - 1))) & 511n) * 8;
      if (level === atLevel) {
        this.#image.put64(at, BigInt(physical) | LARGE | PRESENT);
        return;
      }
      const entry = this.#image.memory.readBigUInt64LE(at);
      if (entry === 0n) {
        table = this.#image.place(`table ${String(++this.#tables)}`, 4096);
        this.#image.put64(at, BigInt(table) | PRESENT);
      } else table = Number(entry & ~0xfffn);
    }
  }
}
