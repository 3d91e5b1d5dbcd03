import type { PageferryError } from '@pageferry/errors';
import type { FrameCarrier } from '../../src/flow-control.js';

/** Keeps every frame as it was sent. */
export class RecordingCarrier implements FrameCarrier {
  readonly frames: Buffer[] = [];
  readonly isOpen = true;
  readonly closed = new Promise<PageferryError>(() => undefined);

  async sendFrame(frame: Buffer): Promise<void> {
    this.frames.push(Buffer.from(frame));
    return Promise.resolve();
  }
}
