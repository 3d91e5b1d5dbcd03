import type { PageferryError } from '@pageferry/errors';
import { SECTOR_BYTES } from './block-places.js';
import type { NbdRead } from './nbd-reads.js';
import type { BlocksOfRead } from './wanted-blocks.js';

/** One read of several blocks, with memory of its own; used again and again. */
export class ReadPiece implements NbdRead, BlocksOfRead {
  readonly buffer: Buffer;
  readonly places: Uint32Array;
  readonly ids: Uint32Array;
  count = 0;
  offset = 0;
  length = 0;
  /** When the read was begun, ms. */
  begunMs = 0;
  readonly #onFinished: (piece: ReadPiece, error: PageferryError | undefined) => void;

  /** @param bytes of the longest read */
  constructor(bytes: number, onFinished: (piece: ReadPiece, error: PageferryError | undefined) => void) {
    // A buffer out of Node's pool would keep other ones alive, and be kept.
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.places = new Uint32Array(bytes / SECTOR_BYTES);
    this.ids = new Uint32Array(bytes / SECTOR_BYTES);
    this.#onFinished = onFinished;
  }

  finished(error: PageferryError | undefined): void {
    this.#onFinished(this, error);
  }
}
