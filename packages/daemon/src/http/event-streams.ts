import type { ServerResponse } from 'node:http';
import { PageferryError } from '@pageferry/errors';
import type { FastifyReply } from 'fastify';
import type { EventFeed, FeedEvent } from './event-feed.js';

export interface EventStreamLimits {
  /** Streams at once. */
  readonly streams: number;
  /** What may wait for a reader before the reader is dropped, bytes. */
  readonly waitingBytes: number;
  /** Between two signs of life, ms. */
  readonly heartbeatMs: number;
}

const LIMITS: EventStreamLimits = { streams: 64, waitingBytes: 1024 * 1024, heartbeatMs: 15_000 };

/** What a stream begins with. */
export interface StreamStart {
  readonly events: readonly FeedEvent[];
  /** Where more comes from; nothing more comes if not given. */
  readonly feed?: EventFeed;
}

/** Streams of server-sent events: a bounded number, and none for readers that do not read. */
export class EventStreams {
  readonly #limits: EventStreamLimits;
  readonly #open = new Set<ServerResponse>();

  constructor(limits: Partial<EventStreamLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  get count(): number {
    return this.#open.size;
  }

  /** Answers with a stream. Error: `too-many-requests`. */
  open(reply: FastifyReply, { events, feed }: StreamStart): void {
    const { streams, waitingBytes, heartbeatMs } = this.#limits;
    if (this.#open.size >= streams) {
      throw new PageferryError(
        'too-many-requests',
        `${streams} streams of events are open, and no more may be`,
      );
    }
    reply.hijack();
    const { raw } = reply;
    this.#open.add(raw);
    const write = (text: string): void => {
      if (raw.writableLength > waitingBytes) raw.destroy();
      else raw.write(text);
    };
    const heartbeat = setInterval(() => {
      write(':\n\n');
    }, heartbeatMs);
    const stop = feed?.listen({
      take: (event) => {
        write(encode(event));
      },
      end: () => raw.end(),
    });
    raw.on('error', () => raw.destroy());
    raw.once('close', () => {
      clearInterval(heartbeat);
      stop?.();
      this.#open.delete(raw);
    });
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    raw.flushHeaders();
    for (const event of events) write(encode(event));
    if (feed === undefined) raw.end();
  }

  /** Ends all streams. */
  close(): void {
    for (const raw of this.#open) raw.destroy();
  }
}

function encode({ id, name, data }: FeedEvent): string {
  return `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`;
}
