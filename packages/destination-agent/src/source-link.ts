import { PageferryError, abortable } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import type { ControlMessage } from '@pageferry/wire';
import { acknowledgeFrame } from './answer-frames.js';
import type { ConnectionContents } from './connection-contents.js';
import type { FrameSource } from './page-receiver.js';
import type { SourceConnection } from './source-connection.js';

/** A migration's connections to its source: the one in use, and one that came after it and waits to be taken up. */
export class SourceLink {
  #peer: PeerConnection | undefined;
  #contents: ConnectionContents | undefined;
  #waiting: SourceConnection | undefined;
  #arrived: () => void = () => undefined;

  /** @param connection undefined for an interrupted post-copy, whose source has yet to come */
  constructor(connection: SourceConnection | undefined) {
    this.#peer = connection?.peer;
    this.#contents = connection?.contents;
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
      contents: this.#contents,
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
  offer(connection: SourceConnection): void {
    this.#waiting?.peer.close();
    this.#waiting = connection;
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
    const { peer, contents } = this.#waiting;
    this.#peer = peer;
    this.#contents = contents;
    this.#waiting = undefined;
    return peer;
  }

  /** Ends the connection in use. */
  close(): void {
    this.#peer?.close();
  }

  /** Ends all connections; one that nobody has taken up gets a last word. */
  async end(lastWord: ControlMessage): Promise<void> {
    await this.#waiting?.peer.send(lastWord).catch(() => undefined);
    this.#waiting?.peer.close();
    this.close();
  }
}
