import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BLOCK_BYTES, type BlockPlaces } from '../../src/block/block-places.js';
import { BlockReader, type BlockReaderOptions } from '../../src/block/block-reader.js';
import { ImageServer } from '../../src/block/image-server.js';
import { createImage, testFolder } from '../support/disk-images.js';
import {
  answerWithPattern,
  listenAsNbdServer,
  patternAt,
  type FakeNbdServer,
  type FakeNbdServerOptions,
} from '../support/fake-nbd-server.js';
import { simpleReply, type ReceivedRead } from '../support/nbd-messages.js';

const SIZE = 64 << 20;
const PIECE = 512 << 10;

interface Collected {
  readonly reader: BlockReader;
  /** By id. */
  readonly blocks: Map<number, Buffer>;
  readonly failures: Map<number, string>;
  /** Resolves once there is nothing outstanding any more. */
  readonly idle: () => Promise<void>;
}

async function open(path: string, options: Partial<BlockReaderOptions> = {}): Promise<Collected> {
  const blocks = new Map<number, Buffer>();
  const failures = new Map<number, string>();
  let wake: () => void = () => undefined;
  const reader = await BlockReader.open(path, {
    onBlock: (id, buffer, offset) => {
      expect(blocks.has(id) || failures.has(id)).toBe(false);
      blocks.set(id, Buffer.from(buffer.subarray(offset, offset + BLOCK_BYTES)));
      wake();
    },
    onFailed: (id, { message }) => {
      expect(blocks.has(id) || failures.has(id)).toBe(false);
      failures.set(id, message);
      wake();
    },
    ...options,
  });
  onTestFinished(() => {
    reader.close();
  });
  const idle = async (): Promise<void> => {
    while (reader.outstanding > 0) {
      await new Promise<void>((resolve) => {
        wake = () => {
          setImmediate(resolve);
        };
      });
    }
  };
  return { reader, blocks, failures, idle };
}

async function openFake(
  serverOptions: FakeNbdServerOptions = {},
  options: Partial<BlockReaderOptions> = {},
): Promise<Collected & { server: FakeNbdServer }> {
  const server = await listenAsNbdServer(serverOptions);
  return { ...(await open(server.path, options)), server };
}

/** Ids are the indexes, from `firstId` on. */
const placesOf = (offsets: readonly number[], firstId = 0): BlockPlaces => ({
  offsets: Float64Array.from(offsets),
  ids: Uint32Array.from(offsets, (_, index) => firstId + index),
  count: offsets.length,
});

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Holds requests back until they are let go. */
function gate(): {
  onRead: (read: ReceivedRead, socket: Socket) => void;
  open: () => void;
} {
  let isOpen = false;
  const held: (() => void)[] = [];
  return {
    onRead: (read, socket) => {
      if (isOpen) answerWithPattern(read, socket);
      else
        held.push(() => {
          answerWithPattern(read, socket);
        });
    },
    open: () => {
      isOpen = true;
      for (const answer of held.splice(0)) answer();
    },
  };
}

describe('BlockReader', () => {
  it('gives each block that is wanted, once', async () => {
    const { reader, blocks, failures, idle } = await openFake();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat({ max: SIZE / 512 - 8 }), { maxLength: 50 }), { maxLength: 5 }),
        async (batches) => {
          blocks.clear();
          const sectors = batches.flat();
          let firstId = 0;
          for (const batch of batches) {
            reader.want(
              placesOf(
                batch.map((sector) => sector * 512),
                firstId,
              ),
            );
            firstId += batch.length;
          }
          await idle();
          expect(blocks.size).toBe(sectors.length);
          for (const [id, sector] of sectors.entries()) {
            expect(blocks.get(id)?.equals(patternAt(sector * 512, BLOCK_BYTES))).toBe(true);
          }
        },
      ),
      { numRuns: 30 },
    );
    expect(failures.size).toBe(0);
  });

  it('asks for neighbours together, in long reads, and so many at once', async () => {
    const { onRead, open: letGo } = gate();
    const { reader, blocks, idle, server } = await openFake({ onRead }, { depth: 3 });
    reader.want(placesOf(range(4 * (PIECE / BLOCK_BYTES)).map((block) => block * BLOCK_BYTES)));
    while (server.reads.length < 3) await new Promise(setImmediate);
    expect(server.reads.map(({ offset, length }) => [offset, length])).toEqual(
      [0, 1, 2].map((index) => [index * PIECE, PIECE]),
    );
    expect(reader.outstanding).toBe(512);
    letGo();
    await idle();
    expect(blocks.size).toBe(512);
    expect(server.reads).toHaveLength(4);
    const { statistics } = reader;
    expect(statistics).toMatchObject({ reads: 4, bytes: 4 * PIECE, blocks: 512, failedBlocks: 0 });
    expect(statistics.busyMs).toBeGreaterThan(0);
    expect(statistics.latencyMs).toBeGreaterThanOrEqual(statistics.slowestMs);
  });

  it('begins no read while it is held, and goes on afterwards', async () => {
    let letGo: () => void = () => undefined;
    let held: Promise<void> | undefined = new Promise((resolve) => {
      letGo = resolve;
    });
    const { reader, blocks, idle, server } = await openFake({}, { depth: 1, onReadEnd: () => held });
    reader.want(placesOf([0, 1 << 20]));
    while (blocks.size < 1) await new Promise(setImmediate);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(server.reads).toHaveLength(1);
    held = undefined;
    letGo();
    await idle();
    expect(blocks.size).toBe(2);
  });

  it('takes more while it reads', async () => {
    const { onRead, open: letGo } = gate();
    const { reader, blocks, idle, server } = await openFake({ onRead }, { depth: 1 });
    reader.want(placesOf([0]));
    while (server.reads.length < 1) await new Promise(setImmediate);
    reader.want(placesOf([1 << 20], 1));
    reader.want(placesOf([BLOCK_BYTES], 2));
    letGo();
    await idle();
    expect([...blocks.keys()]).toEqual([0, 2, 1]);
  });

  it('may be told more by the one that it gives a block to', async () => {
    let wanted = 1;
    const { reader, server } = await openFake();
    const seen: number[] = [];
    const chained = await BlockReader.open(server.path, {
      onBlock: (id) => {
        seen.push(id);
        if (wanted < 20) chained.want(placesOf([wanted * BLOCK_BYTES], wanted++));
      },
      onFailed: () => undefined,
    });
    onTestFinished(() => {
      chained.close();
    });
    chained.want(placesOf([0]));
    while (seen.length < 20) await new Promise(setImmediate);
    expect(seen).toEqual(range(20));
    expect(reader.outstanding).toBe(0);
  });

  it('forgets what is dropped, also while it is being read or given', async () => {
    const { onRead, open: letGo } = gate();
    const { reader, blocks, failures, idle, server } = await openFake({ onRead });
    reader.want(placesOf([0, 4 << 20, -512]));
    while (server.reads.length < 2) await new Promise(setImmediate);
    reader.want(placesOf([8 << 20, -512], 3));
    reader.dropAll();
    expect(reader.outstanding).toBe(0);
    letGo();
    reader.want(placesOf([12 << 20], 9));
    await idle();
    expect([...blocks.keys()]).toEqual([9]);
    // The one that was not in the image had failed before.
    expect([...failures.keys()]).toEqual([2]);

    const given: number[] = [];
    const dropping = await BlockReader.open(server.path, {
      onBlock: (id) => {
        given.push(id);
        dropping.dropAll();
      },
      onFailed: () => undefined,
    });
    onTestFinished(() => {
      dropping.close();
    });
    dropping.want(placesOf([0, BLOCK_BYTES, 2 * BLOCK_BYTES]));
    while (given.length === 0 || dropping.statistics.reads === 0) await new Promise(setImmediate);
    expect(given).toEqual([0]);
    expect(dropping.outstanding).toBe(0);
  });

  it('takes no more blocks than there is room for', async () => {
    const { reader } = await openFake({ onRead: () => undefined }, { capacity: 4, depth: 1 });
    expect(reader.room).toBe(4);
    expect(() => {
      reader.want(placesOf([0, 512, 1024, 1536, 2048]));
    }).toThrow(RangeError);
    reader.want(placesOf([0, 512, 1024]));
    expect(reader.room).toBe(1);
    expect(reader.outstanding).toBe(3);
  });

  it('fails the blocks that are not in the image, and reads the others', async () => {
    const { reader, blocks, failures, idle } = await openFake();
    reader.want(placesOf([SIZE - 4096, SIZE - 4096 + 512, 2 ** 52, 100, -512]));
    await idle();
    expect([...blocks.keys()]).toEqual([0]);
    expect([...failures.keys()].sort()).toEqual([1, 2, 3, 4]);
    expect(failures.get(1)).toContain('not in an image');
  });

  it('fails the blocks of a read that the storage could not do, and reads the others', async () => {
    const { reader, blocks, failures, idle } = await openFake({
      onRead: (read, socket) => {
        if (read.offset < 8192) socket.write(simpleReply(read, Buffer.alloc(0), 5));
        else answerWithPattern(read, socket);
      },
    });
    reader.want(placesOf([0, 1 << 20, 4096]));
    await idle();
    expect([...failures.keys()]).toEqual([0, 2]);
    expect([...blocks.keys()]).toEqual([1]);
    expect(reader.statistics).toMatchObject({ blocks: 1, failedBlocks: 2, reads: 2, bytes: BLOCK_BYTES });
  });

  it.each<[string, (read: ReceivedRead, socket: Socket) => void]>([
    ['ends', (_read, socket) => socket.destroy()],
    ['does not answer', () => undefined],
    ['breaks the protocol', (_read, socket) => socket.write(Buffer.alloc(100))],
  ])('fails all blocks, in flight and waiting, if the server %s', async (_title, onRead) => {
    const { reader, failures, idle } = await openFake({ onRead }, { depth: 2, timeoutMs: 200 });
    reader.want(placesOf(range(1000).map((index) => index * 65_536)));
    await idle();
    expect(failures.size).toBe(1000);
    reader.want(placesOf([0], 1000));
    await idle();
    expect(failures.size).toBe(1001);
  });

  it('calls nobody once it is closed, also by its signal', async () => {
    for (const way of ['close', 'abort'] as const) {
      const abort = new AbortController();
      const { onRead, open: letGo } = gate();
      const { reader, blocks, failures, server } = await openFake({ onRead }, { signal: abort.signal });
      reader.want(placesOf([0, -512]));
      while (server.reads.length === 0) await new Promise(setImmediate);
      failures.clear();
      reader.want(placesOf([1 << 20, -512], 2));
      if (way === 'close') reader.close();
      else abort.abort(new Error('not any more'));
      reader.want(placesOf([0], 4));
      await server.disconnected;
      letGo();
      expect(reader.outstanding).toBe(0);
      expect([blocks.size, failures.size]).toEqual([0, 0]);
    }
  });

  it('reads no more a second than it is told, until it is told otherwise', async () => {
    const { reader, blocks, idle, server } = await openFake({}, { bytesPerSecond: 1_000_000 });
    // 64 MiB would take a minute.
    reader.want(placesOf(range(SIZE / BLOCK_BYTES).map((block) => block * BLOCK_BYTES)));
    while (server.reads.length < 3) await new Promise(setImmediate);
    expect(server.reads[0]?.length).toBeLessThanOrEqual(30_000);
    const blocksLimited = blocks.size;
    reader.limit(0);
    await idle();
    expect(blocksLimited).toBeLessThan(1000);
    expect(blocks.size).toBe(SIZE / BLOCK_BYTES);
  });

  it('refuses reads of a length that makes no sense', async () => {
    const { path } = await listenAsNbdServer();
    for (const readBytes of [512, 4097, (1 << 20) + 512, NaN]) {
      const opening = BlockReader.open(path, {
        onBlock: () => undefined,
        onFailed: () => undefined,
        readBytes,
      });
      await expect(opening).rejects.toThrow(RangeError);
    }
  });
});

describe('BlockReader, of a real server', () => {
  it.each(['raw', 'qcow2'] as const)('reads a %s image as a guest sees it', async (format) => {
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk.${format}`, format);
    const server = await ImageServer.start({ image, directory: folder });
    onTestFinished(() => server.close());
    const { reader, blocks, failures, idle } = await open(server.socketPath);
    expect(reader.size).toBe(image.content.length);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: image.content.length / 512 - 8 }), { maxLength: 300 }),
        async (sectors) => {
          blocks.clear();
          reader.want(placesOf(sectors.map((sector) => sector * 512)));
          await idle();
          for (const [id, sector] of sectors.entries()) {
            const expected = image.content.subarray(sector * 512, sector * 512 + BLOCK_BYTES);
            expect(blocks.get(id)?.equals(expected)).toBe(true);
          }
        },
      ),
      { numRuns: 20 },
    );
    expect(failures.size).toBe(0);
  });
});
