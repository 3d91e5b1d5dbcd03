import { once } from 'node:events';
import { PeerConnection } from '@pageferry/link';
import {
  FrameKind,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  STREAM_PATH,
  SUBPROTOCOL,
  readHeader,
  writeHeader,
  type ControlOf,
} from '@pageferry/wire';
import { onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';

const ANSWER_TIMEOUT_MS = 10_000;

/** What a destination says to one connection after its `hello`. */
export type Answer = (peer: PeerConnection, hello: ControlOf<'hello'>) => Promise<void> | void;

export const welcome = { type: 'welcome', version: 1, software: 'test', window: MAX_FRAME_BYTES } as const;

/** Listens as a destination agent does; each connection gets the next answer, and those after the last one the last. */
export class FakeDestination {
  readonly url: string;
  readonly hellos: ControlOf<'hello'>[] = [];

  private constructor(url: string) {
    this.url = url;
  }

  static async listen(...answers: readonly Answer[]): Promise<FakeDestination> {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      path: STREAM_PATH,
      maxPayload: MAX_FRAME_BYTES,
      allowSynchronousEvents: false,
      handleProtocols: () => SUBPROTOCOL,
    });
    await once(server, 'listening');
    onTestFinished(async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    const destination = new FakeDestination(`ws://127.0.0.1:${address.port}`);
    server.on('connection', (socket) => {
      const onFrame = (): void => {
        throw new Error('a frame that nobody waits for');
      };
      const answer = answers[Math.min(destination.hellos.length, answers.length - 1)];
      const peer = new PeerConnection(socket, { peer: 'source', onFrame });
      peer
        .next(['hello'], { timeoutMs: ANSWER_TIMEOUT_MS })
        .then(async (hello) => {
          destination.hellos.push(hello);
          await answer?.(peer, hello);
        })
        .catch((thrown: unknown) => {
          peer.fail(thrown);
        });
    });
    return destination;
  }
}

/** Takes a guest's pages, and acknowledges them; resolves when they may come. */
export async function takePages(peer: PeerConnection): Promise<void> {
  await peer.send(welcome);
  await peer.next(['prepare'], { timeoutMs: ANSWER_TIMEOUT_MS });
  peer.onFrame = (frame) => {
    acknowledge(peer, frame);
  };
  await peer.send({ type: 'prepared' });
}

/** Takes all that a guest needs to run, by pre-copy; resolves when the source may hand it over. */
export async function takeGuest(peer: PeerConnection): Promise<void> {
  await takePages(peer);
  const { bytes } = await peer.next(['device-state'], { timeoutMs: ANSWER_TIMEOUT_MS });
  let missing = bytes;
  await new Promise<void>((resolve) => {
    peer.onFrame = (frame) => {
      acknowledge(peer, frame);
      const { kind, count } = readHeader(frame);
      if (kind === FrameKind.deviceState) missing -= count;
      if (missing === 0) resolve();
    };
  });
  await peer.send({ type: 'ready' });
}

function acknowledge(peer: PeerConnection, frame: Buffer): void {
  const ack = Buffer.alloc(HEADER_BYTES);
  writeHeader(ack, { kind: FrameKind.ack, sequence: readHeader(frame).sequence, block: 0, count: 0 });
  peer.sendFrame(ack).catch(() => undefined);
}
