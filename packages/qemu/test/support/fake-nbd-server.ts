import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  exportInformation,
  greeting,
  optionReply,
  simpleReply,
  REPLY_ACKNOWLEDGED,
  type ReceivedRead,
} from './nbd-messages.js';

const CLIENT_FLAGS_BYTES = 4;
const OPTION_HEADER_BYTES = 16;
const REQUEST_BYTES = 28;
const TWO_TO_32 = 2 ** 32;

export interface FakeNbdServerOptions {
  /** Of the export, in bytes: 64 MiB unless given. */
  readonly size?: number;
  /** Instead of negotiating. */
  readonly onConnection?: (socket: Socket) => void;
  /** Answers with {@link patternAt} unless given. */
  readonly onRead?: (read: ReceivedRead, socket: Socket) => void;
}

export interface FakeNbdServer {
  readonly path: string;
  /** All that were asked for, in that order. */
  readonly reads: readonly ReceivedRead[];
  /** Resolves when a client has said that it goes. */
  readonly disconnected: Promise<void>;
}

/** What a fake export has from `offset` on: each sector's number, over and over. */
export function patternAt(offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32LE(Math.floor((offset + at) / 512) % TWO_TO_32, at);
  return bytes;
}

export function answerWithPattern(read: ReceivedRead, socket: Socket): void {
  socket.write(simpleReply(read, patternAt(read.offset, read.length)));
}

/** A server on a unix socket that says what a test wants it to say; it ends with the test. */
export async function listenAsNbdServer(options: FakeNbdServerOptions = {}): Promise<FakeNbdServer> {
  const { size = 64 << 20, onRead = answerWithPattern } = options;
  const folder = await mkdtemp(join(tmpdir(), 'pageferry-nbd-'));
  const path = join(folder, 'nbd');
  const sockets = new Set<Socket>();
  const reads: ReceivedRead[] = [];
  let leave: () => void = () => undefined;
  const disconnected = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const onRequest = (request: Buffer, socket: Socket): void => {
    if (request.readUInt16BE(6) !== 0) {
      leave();
      return;
    }
    const read = {
      turn: request.readUInt32BE(8),
      slot: request.readUInt32BE(12),
      offset: request.readUInt32BE(16) * TWO_TO_32 + request.readUInt32BE(20),
      length: request.readUInt32BE(24),
    };
    reads.push(read);
    onRead(read, socket);
  };
  const negotiate = (socket: Socket): void => {
    socket.write(greeting());
    let received = Buffer.alloc(0);
    let requests = false;
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (!requests) {
        const optionEnd = CLIENT_FLAGS_BYTES + OPTION_HEADER_BYTES;
        if (received.length < optionEnd) return;
        const end = optionEnd + received.readUInt32BE(optionEnd - 4);
        if (received.length < end) return;
        received = received.subarray(end);
        requests = true;
        socket.write(Buffer.concat([exportInformation(size), optionReply(REPLY_ACKNOWLEDGED)]));
      }
      while (received.length >= REQUEST_BYTES) {
        onRequest(received.subarray(0, REQUEST_BYTES), socket);
        received = received.subarray(REQUEST_BYTES);
      }
    });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    (options.onConnection ?? negotiate)(socket);
  });
  server.listen(path);
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
    await rm(folder, { recursive: true });
  });
  return { path, reads, disconnected };
}
