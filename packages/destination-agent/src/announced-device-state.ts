import { PageferryError } from '@pageferry/errors';
import { HEADER_BYTES, type FrameHeader } from '@pageferry/wire';

/** A device state whose length the source has said, and that follows in frames. */
export class AnnouncedDeviceState {
  readonly #state: Buffer;
  #arrivedBytes = 0;
  #complete: (state: Buffer) => void = () => undefined;
  /** Resolves with the whole of it. */
  readonly complete: Promise<Buffer>;

  /** @param bytes of all of it */
  constructor(bytes: number) {
    this.#state = Buffer.allocUnsafe(bytes);
    this.complete = new Promise((resolve) => {
      this.#complete = resolve;
    });
  }

  /** Error: `protocol-violation`, for more than was announced. */
  take(frame: Buffer, { count }: FrameHeader): void {
    const bytes = frame.length - HEADER_BYTES;
    const missingBytes = this.#state.length - this.#arrivedBytes;
    if (bytes !== count || missingBytes === 0 || bytes > missingBytes) throw notAnnounced();
    frame.copy(this.#state, this.#arrivedBytes, HEADER_BYTES);
    this.#arrivedBytes += bytes;
    if (this.#arrivedBytes === this.#state.length) this.#complete(this.#state);
  }
}

export function notAnnounced(): PageferryError {
  return new PageferryError('protocol-violation', 'the source sent device state that it did not announce');
}
