import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NbdClient, type NbdConnectOptions } from '../../src/block/nbd-client.js';
import { expectError } from '../support/expect-error.js';
import {
  answerWithPattern,
  listenAsNbdServer,
  patternAt,
  type FakeNbdServer,
  type FakeNbdServerOptions,
} from '../support/fake-nbd-server.js';
import { greeting, simpleReply, type ReceivedRead } from '../support/nbd-messages.js';
import { Random } from '../support/random.js';

const SIZE = 64 << 20;
const { signal } = new AbortController();

async function connect(
  serverOptions: FakeNbdServerOptions = {},
  options: NbdConnectOptions = {},
): Promise<{ client: NbdClient; server: FakeNbdServer }> {
  const server = await listenAsNbdServer(serverOptions);
  const client = await NbdClient.connect(server.path, { signal, ...options });
  onTestFinished(() => {
    client.close();
  });
  return { client, server };
}

function readAt(client: NbdClient, offset: number, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const buffer = Buffer.alloc(length);
    client.read({
      buffer,
      offset,
      length,
      finished: (error) => {
        if (error === undefined) resolve(buffer);
        else reject(error);
      },
    });
  });
}

/** Keeps requests until there are so many, and answers them then, all in one, in another order. */
function answerTogether(count: number, seed = 1): (read: ReceivedRead, socket: Socket) => void {
  const waiting: ReceivedRead[] = [];
  return (read, socket) => {
    waiting.push(read);
    if (waiting.length < count) return;
    const replies = new Random(seed)
      .shuffle(waiting.splice(0))
      .map((each) => simpleReply(each, patternAt(each.offset, each.length)));
    socket.write(Buffer.concat(replies));
  };
}

describe('a connection to an NBD server', () => {
  it('knows the size of the image', async () => {
    const { client } = await connect({ size: 12_345_678_901_234 });
    expect(client.size).toBe(12_345_678_901_234);
    expect(client.readOnly).toBe(true);
  });

  it('reads what is asked for, at places that need 64 bits, too', async () => {
    const { client } = await connect({ size: 2 ** 50 });
    for (const offset of [0, 512, 2 ** 32 - 512, 2 ** 49 + 512]) {
      expect(await readAt(client, offset, 5120)).toEqual(patternAt(offset, 5120));
    }
  });

  it('has many reads in flight, whose replies come in any order', async () => {
    const { client } = await connect({ onRead: answerTogether(16) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 60_000 }), fc.integer({ min: 1, max: 300 })), {
          minLength: 16,
          maxLength: 16,
        }),
        async (reads) => {
          const read = reads.map(([sector, sectors]) => readAt(client, sector * 512, sectors * 512));
          const expected = reads.map(([sector, sectors]) => patternAt(sector * 512, sectors * 512));
          expect(
            (await Promise.all(read)).every((bytes, index) => bytes.equals(expected[index] ?? bytes)),
          ).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('leaves what is behind the data in a longer buffer', async () => {
    const { client } = await connect();
    const buffer = Buffer.alloc(1024, 0xee);
    await new Promise((resolve) => {
      client.read({ buffer, offset: 512, length: 512, finished: resolve });
    });
    expect(buffer).toEqual(Buffer.concat([patternAt(512, 512), Buffer.alloc(512, 0xee)]));
  });

  it('goes on after a read that the server could not do', async () => {
    const { client } = await connect({
      onRead: (read, socket) => {
        if (read.offset === 512) socket.write(simpleReply(read, Buffer.alloc(0), 5));
        else answerWithPattern(read, socket);
      },
    });
    const good = readAt(client, 0, 512);
    await expectError(readAt(client, 512, 512), 'storage-unreadable', '512 bytes at 512', 'EIO');
    expect(await good).toEqual(patternAt(0, 512));
    expect(await readAt(client, 1024, 512)).toEqual(patternAt(1024, 512));
  });

  it('says that it goes', async () => {
    const { client, server } = await connect();
    client.close();
    await server.disconnected;
    expect((await client.closed).message).toContain('was closed');
  });

  it('fails reads in flight, and no others are begun, once it is closed', async () => {
    const { client } = await connect({ onRead: () => undefined });
    const read = readAt(client, 0, 512);
    client.close();
    client.close();
    await expectError(read, 'storage-unreadable', 'closed');
    await expectError(readAt(client, 0, 512), 'storage-unreadable', 'closed');
  });

  it('may be closed while a reply is taken', async () => {
    const { client } = await connect({ onRead: answerTogether(3) });
    const ends: string[] = [];
    await new Promise<void>((resolve) => {
      for (const offset of [0, 512, 1024]) {
        client.read({
          buffer: Buffer.alloc(512),
          offset,
          length: 512,
          finished: (error) => {
            ends.push(error === undefined ? 'read' : 'failed');
            client.close();
            if (ends.length === 3) resolve();
          },
        });
      }
    });
    expect(ends).toEqual(['read', 'failed', 'failed']);
  });

  it('begins no more reads than it may have in flight, and none that cannot be', async () => {
    const { client } = await connect({ onRead: () => undefined }, { depth: 2 });
    const begin = (offset: number, length: number, bytes = length): void => {
      client.read({ buffer: Buffer.alloc(bytes), offset, length, finished: () => undefined });
    };
    for (const [offset, length, bytes] of [
      [-512, 512, 512],
      [SIZE - 512, 1024, 1024],
      [NaN, 512, 512],
      [0, 0, 512],
      [0, (1 << 20) + 512, 2 << 20],
      [0, 1024, 512],
    ] as const) {
      expect(() => {
        begin(offset, length, bytes);
      }).toThrow(RangeError);
    }
    begin(0, 512);
    begin(SIZE - 512, 512);
    expect(() => {
      begin(0, 512);
    }).toThrow('2 reads');
  });
});

describe('a server that fails', () => {
  it.each<[string, (read: ReceivedRead, socket: Socket) => void, string]>([
    [
      'answers what was not asked',
      ({ turn, slot }, socket) => socket.write(simpleReply({ turn, slot: slot + 1 }, Buffer.alloc(512))),
      'never sent',
    ],
    [
      'answers with a handle of an earlier turn',
      ({ turn, slot }, socket) => socket.write(simpleReply({ turn: turn - 1, slot }, Buffer.alloc(512))),
      'never sent',
    ],
    [
      'answers with a slot that there is not',
      ({ turn }, socket) => socket.write(simpleReply({ turn, slot: 0xffff_ffff }, Buffer.alloc(512))),
      'never sent',
    ],
    ['talks about something else', (_read, socket) => socket.write('x'.repeat(512)), 'other than a reply'],
    ['ends within the data', (read, socket) => socket.end(simpleReply(read, Buffer.alloc(100))), 'closed'],
    ['ends', (_read, socket) => socket.destroy(), 'NBD server'],
    ['does not answer', () => undefined, 'has not answered a read'],
    [
      'stops within the data',
      (read, socket) => socket.write(simpleReply(read, Buffer.alloc(100))),
      'has not answered a read',
    ],
  ])('and %s ends the connection and all reads', async (_title, onRead, text) => {
    const { client } = await connect({ onRead }, { timeoutMs: 200 });
    const reads = [0, 512].map((offset) => readAt(client, offset, 512));
    await Promise.all(reads.map((read) => expectError(read, 'storage-unreadable', text)));
    expect((await client.closed).message).toContain(text);
    expect(client.closeReason).toBe(await client.closed);
  });

  it.each<[string, Buffer, string]>([
    ['a second answer', Buffer.alloc(0), 'never sent'],
    ['more data than were asked for', Buffer.alloc(512), 'other than a reply'],
  ])('by %s ends the connection, after what was right', async (_title, more, text) => {
    const { client } = await connect({
      onRead: (read, socket) => {
        const reply = simpleReply(read, patternAt(read.offset, read.length));
        socket.write(Buffer.concat([reply, more.length === 0 ? reply : more]));
      },
    });
    expect(await readAt(client, 0, 512)).toEqual(patternAt(0, 512));
    expect((await client.closed).message).toContain(text);
  });

  it('by guessing the answers to requests before they come ends the connection', async () => {
    const { client } = await connect(
      {
        onRead: ({ turn, slot }, socket) => {
          const guesses = Array.from({ length: 8 }, (_, ahead) =>
            simpleReply({ turn: turn + ahead, slot }, Buffer.alloc(512)),
          );
          socket.write(Buffer.concat(guesses));
        },
      },
      { depth: 2 },
    );
    const buffer = Buffer.alloc(512);
    let reads = 0;
    const begin = (): void => {
      client.read({
        buffer,
        offset: 0,
        length: 512,
        finished: (error) => {
          if (error === undefined && ++reads < 5) begin();
        },
      });
    };
    begin();
    expect((await client.closed).code).toBe('storage-unreadable');
    expect(reads).toBe(5);
  });
});

describe('connecting', () => {
  it.each<[string, (socket: Socket) => void, string]>([
    ['what is no NBD server', (socket) => socket.write('{"QMP": {"version": {}}}'), 'no greeting'],
    ['a server that ends', (socket) => socket.destroy(), 'NBD server'],
    ['a server that ends at once', (socket) => socket.end(greeting()), 'closed'],
    ['a server that says nothing', () => undefined, 'within 100 ms'],
    ['a server that does not go on', (socket) => socket.write(greeting()), 'within 100 ms'],
  ])('to %s fails', async (_title, onConnection, text) => {
    const { path } = await listenAsNbdServer({ onConnection });
    await expectError(NbdClient.connect(path, { timeoutMs: 100, signal }), 'storage-unreadable', text);
  });

  it('to nobody fails, and so does a path that is too long', async () => {
    await expectError(NbdClient.connect('/nowhere/nbd'), 'storage-unreadable', 'ENOENT');
    await expectError(NbdClient.connect(`/${'x'.repeat(107)}`), 'storage-unreadable', '107 bytes');
  });

  it('is given up when its signal is aborted', async () => {
    const { path } = await listenAsNbdServer({ onConnection: () => undefined });
    const abort = new AbortController();
    const connecting = NbdClient.connect(path, { signal: abort.signal });
    const reason = new Error('not any more');
    abort.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    await expect(NbdClient.connect(path, { signal: abort.signal })).rejects.toBe(reason);
  });
});
