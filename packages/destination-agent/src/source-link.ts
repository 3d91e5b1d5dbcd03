import { PageferryError, abortable } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import type { ControlMessage } from '@pageferry/wire';
import { acknowledgeFrame } from './answer-frames.js';
import type { FrameSource } from './page-receiver.js';

/** A migration's connections to its source: the one in use, and one that came after it and waits to be taken up. */
export class SourceLink {
  #peer: PeerConnection | undefined;
  #waiting: PeerConnection | undefined;
  #arrived: () => void = () => undefined;

  /** @param peer undefined for an interrupted post-copy, whose source has yet to come */
  constructor(peer: PeerConnection | undefined) {
    this.#peer = peer;
  }

  /** The connection in use; it may have ended. */
  get peer(): PeerConnection {
    if (this.#peer === undefined)
      throw new PageferryError('internal', 'there is no connection to the source');
    return this.#peer;
  }

  /** What the pages of the connection in use are answered with. */
  get frames(): FrameSource {
    const peer = this.#peer;
    return {
      acknowledge: (sequence) => {
        // Whoever waits for the acknowledgement learns from the connection's end that none comes.
        peer?.sendFrame(acknowledgeFrame(sequence)).catch(() => undefined);
      },
      refuse: (reason) => {
        peer?.fail(reason);
      },
    };
  }

  /** Says something that the source, if it does not hear it, asks for; never rejects. */
  async tell(message: ControlMessage): Promise<void> {
    await this.#peer?.send(message).catch(() => undefined);
  }

  /** As {@link tell}, without waiting. */
  sendFrame(frame: Buffer): void {
    this.#peer?.sendFrame(frame).catch(() => undefined);
  }

  /** The source has connected once more: this connection waits for {@link next}, in place of an earlier one. */
  offer(peer: PeerConnection): void {
    this.#waiting?.close();
    this.#waiting = peer;
    this.#arrived();
  }

  /** Waits for the source's next connection, which becomes the one in use. */
  async next(signal: AbortSignal): Promise<PeerConnection> {
    while (this.#waiting === undefined) {
      await abortable(
        signal,
        new Promise<void>((resolve) => {
          this.#arrived = resolve;
        }),
      );
    }
    this.#peer = this.#waiting;
    this.#waiting = undefined;
    return this.#peer;
  }

  /** Ends the connection in use. */
  close(): void {
    this.#peer?.close();
  }

  /** Ends all connections; one that nobody has taken up gets a last word. */
  async end(lastWord: ControlMessage): Promise<void> {
    await this.#waiting?.send(lastWord).catch(() => undefined);
    this.#waiting?.close();
    this.close();
  }
}
