import { randomBytes, randomUUID } from 'node:crypto';
import {
  FrameKind,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  PAGE_RECORD_BYTES,
  RUN_BYTES,
  encodeControl,
  writeAddress,
  writeHeader,
  writeRun,
  type ControlMessage,
} from '@pageferry/wire';
import { QmpClient, describeMachine, type MachineDescription } from '@pageferry/qemu';
import { beforeAll, describe, expect, test } from 'vitest';
import type { IncomingMigration, Mode } from '../agents/migration.js';
import { startIncoming } from '../agents/move-guest.js';
import { StreamClient } from '../agents/stream-client.js';
import { eventually, withDeadline } from '../environment/deadline.js';
import { fieldsOf, stringOf } from '../environment/values.js';
import type { Guest } from '../guests/guest.js';
import { useAgents } from './support/use-agents.js';
import { useResidentGuest } from './support/use-resident-guest.js';

// What a destination agent does with a source agent that breaks the protocol.

const agents = useAgents();
const resident = useResidentGuest(agents);

const overMs = 10_000;
const protocolError = { code: 1002, reason: 'protocol-violation' } as const;
const tooBig = { code: 1009 } as const;

/** The agent says what was wrong, unless the connection itself could not be read any more. */
function lastWords(end: object, message: RegExp): readonly object[] {
  if (end === tooBig) return [];
  const text: unknown = expect.stringMatching(message);
  return [{ type: 'failed', error: { code: 'protocol-violation', host: 'destination', message: text } }];
}

const helloOf = (migration: string) =>
  ({ type: 'hello', lowest: 1, highest: 1, software: 'test', migration, resume: false }) as const;

let machine: MachineDescription;

beforeAll(async () => {
  const qmp = await QmpClient.connect(resident().qmpSocket);
  machine = await describeMachine(qmp);
  qmp.close();
});

/** The destination agent logs an error like this, after so many lines. */
async function expectLogged(error: RegExp, after: number): Promise<void> {
  const { destinationAgent } = agents();
  await eventually(
    async () => {
      const lines = (await destinationAgent.logLines()).slice(after);
      return lines.some(({ err }) => err !== undefined && error.test(stringOf(fieldsOf(err), 'message')));
    },
    overMs,
    `an error like ${error.source} in the log`,
  );
}

describe('a connection is refused that begins with', () => {
  const oversized = Buffer.alloc(MAX_FRAME_BYTES + 1, 1);
  const withoutFields = Buffer.concat([
    Buffer.of(FrameKind.control, 0x81),
    Buffer.from('\xa4type\xa5hello', 'latin1'),
  ]);
  const page = Buffer.alloc(HEADER_BYTES + PAGE_RECORD_BYTES);
  writeHeader(page, { kind: FrameKind.pages, sequence: 1, block: 0, count: 1 });

  test.each<[string, Buffer | string, object, RegExp]>([
    ['text', 'hello', protocolError, /it sent text/],
    ['an empty frame', Buffer.alloc(0), protocolError, /an empty frame arrived/],
    ['a frame of unknown kind', Buffer.of(0x7f, 0, 0, 0), protocolError, /unknown kind 127/],
    ['a frame that is too long', oversized, tooBig, /Max payload size exceeded/],
    ['what is not msgpack', Buffer.of(FrameKind.control, 0xc1, 0xff), protocolError, /not msgpack/],
    ['an incomplete hello', withoutFields, protocolError, /"hello" is not valid/],
    ['a page', page, protocolError, /before it was asked for one/],
  ])('%s', async (_what, data, end, logged) => {
    const { length } = await agents().destinationAgent.logLines();
    const client = await StreamClient.open(agents().destinationAgent);
    client.send(data);
    expect(await client.rest()).toMatchObject({ end, messages: lastWords(end, logged) });
    await expectLogged(logged, length);
    expect(await agents().destinationAgent.client.health()).toBe('ok');
  });

  test('a protocol version that it does not speak', async () => {
    const client = await StreamClient.open(agents().destinationAgent);
    client.sendControl({ ...helloOf(randomUUID()), lowest: 2, highest: 3 });
    const answer = await client.next();
    expect(answer).toMatchObject({
      type: 'refused',
      error: { code: 'protocol-version', host: 'destination' },
    });
    expect(JSON.stringify(answer)).toMatch(/source speaks protocol versions 2 to 3, this destination 1 to 1/);
    await client.rest();
  });

  test('another message than hello', async () => {
    const client = await StreamClient.open(agents().destinationAgent);
    client.sendControl({ type: 'ready' });
    expect(await client.next()).toMatchObject({ type: 'refused', error: { code: 'protocol-violation' } });
    await client.rest();
  });

  test('a machine that is none', async () => {
    const { client } = await greeted();
    client.sendControl({ type: 'prepare', guest: 'guest', mode: 'hybrid', machine: { ramBlocks: 'many' } });
    expect(await client.next()).toMatchObject({
      type: 'failed',
      error: { code: 'protocol-violation', host: 'destination' },
    });
    await client.rest();
  });

  test("a path for a guest's name", async () => {
    const { client } = await greeted();
    client.sendControl({ type: 'prepare', guest: '../guest', mode: 'hybrid', machine });
    expect(await client.next()).toMatchObject({ type: 'failed', error: { code: 'guest-not-found' } });
    await client.rest();
  });
});

async function greeted(): Promise<{ client: StreamClient; id: string }> {
  const client = await StreamClient.open(agents().destinationAgent);
  const id = randomUUID();
  client.sendControl(helloOf(id));
  expect(await client.next()).toMatchObject({ type: 'welcome', version: 1 });
  return { client, id };
}

interface Prepared {
  readonly client: StreamClient;
  readonly id: string;
  readonly destination: Guest;
}

/** A migration whose pages may come. */
async function prepared(mode: Mode = 'precopy'): Promise<Prepared> {
  const destination = await startIncoming(resident(), agents().destination);
  const { client, id } = await greeted();
  client.sendControl({ type: 'prepare', guest: destination.name, mode, machine });
  expect(await client.next()).toEqual({ type: 'prepared' });
  return { client, id, destination };
}

/** The migration has failed, its QEMU is gone, and the agent is well. */
async function expectGivenUp({ id, destination }: Prepared): Promise<IncomingMigration['error']> {
  const { client } = agents().destinationAgent;
  const { error, owner } = await eventually(
    async () => {
      const migration = await client.get(id);
      return migration.state === 'failed' && migration;
    },
    overMs,
    'the end of the migration',
  );
  expect(owner).toBe(false);
  await withDeadline(destination.exited, overMs, 'the end of the QEMU that was left');
  expect(await client.health()).toBe('ok');
  return error;
}

function pages(header: { block?: number; count?: number; records?: number; address?: number }): Buffer {
  const { block = 0, records = 1, count = records, address = 0 } = header;
  const frame = Buffer.alloc(HEADER_BYTES + records * PAGE_RECORD_BYTES);
  writeHeader(frame, { kind: FrameKind.pages, sequence: 1, block, count });
  for (let record = 0; record < records; record++) {
    writeAddress(frame, HEADER_BYTES + record * PAGE_RECORD_BYTES, address);
  }
  return frame;
}

function runs(kind: FrameKind, address: number, count: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + RUN_BYTES);
  writeHeader(frame, { kind, sequence: 1, block: 0, count: 1 });
  writeRun(frame, 0, address, count);
  return frame;
}

function withFlag(frame: Buffer): Buffer {
  frame[1] = 1;
  return frame;
}

describe('a migration is given up, and its QEMU ended, after', () => {
  const beyond = 1024 ** 4;
  const wholeRam = 256 * 256;

  test.each<[string, Buffer, object, RegExp]>([
    [
      'a page behind the end of its block',
      pages({ address: beyond }),
      protocolError,
      /page address 1099511627776/,
    ],
    ['a page at an odd address', pages({ address: 4097 }), protocolError, /page address 4097/],
    ['a page of a block that is not there', pages({ block: 99 }), protocolError, /block/],
    ['more pages than it has', pages({ count: 1000 }), protocolError, /says that it has 1000 pages/],
    ['no pages', pages({ count: 0 }), protocolError, /says that it has 0 pages/],
    ['a header that is cut off', pages({}).subarray(0, 9), protocolError, /no whole header/],
    ['a flag that is not known', withFlag(pages({})), protocolError, /flags/],
    [
      'zero pages beyond the end',
      runs(FrameKind.zeroPages, 4096, wholeRam),
      protocolError,
      /page address 4096/,
    ],
    ['a frame of its own kind', runs(FrameKind.requests, 0, 1), protocolError, /frame of kind 32/],
    ['a frame that is too long', Buffer.alloc(MAX_FRAME_BYTES + 1), tooBig, /Max payload size exceeded/],
    ['a message that is not known', Buffer.of(FrameKind.control, 0x80), protocolError, /unknown type/],
  ])('%s', async (_what, frame, end, message) => {
    const migration = await prepared();
    migration.client.send(frame);
    expect(await migration.client.rest()).toMatchObject({ end, messages: lastWords(end, message) });
    const error = await expectGivenUp(migration);
    expect(error?.host).toBe('destination');
    expect(error?.message).toMatch(message);
  });

  test.each<[string, ControlMessage]>([
    ['hand-over', { type: 'hand-over', run: true }],
    ['all-sent', { type: 'all-sent' }],
  ])('a %s before its time', async (_what, message) => {
    const migration = await prepared();
    migration.client.sendControl(message);
    expect(await migration.client.next()).toMatchObject({
      type: 'failed',
      error: { code: 'protocol-violation', host: 'destination' },
    });
    await expectGivenUp(migration);
  });

  test.each<Mode>(['precopy', 'postcopy'])('a device state that QEMU does not load, in %s', async (mode) => {
    const migration = await prepared(mode);
    const bytes = randomBytes(5000);
    const header = Buffer.alloc(HEADER_BYTES);
    const postcopy = mode === 'postcopy';
    if (postcopy) {
      migration.client.sendControl({ type: 'stale', pages: 1 });
      migration.client.send(runs(FrameKind.stale, 0, 1));
    }
    migration.client.sendControl({ type: 'device-state', bytes: bytes.length, postcopy });
    writeHeader(header, { kind: FrameKind.deviceState, sequence: 2, block: 0, count: bytes.length });
    migration.client.send(Buffer.concat([header, bytes]));
    expect(await migration.client.next()).toMatchObject({
      type: 'failed',
      error: { code: 'incoming-failed', host: 'destination' },
    });
    await expectGivenUp(migration);
  });

  test('the end of the connection', async () => {
    const migration = await prepared();
    migration.client.send(pages({}));
    migration.client.terminate();
    expect(await expectGivenUp(migration)).toMatchObject({ code: 'peer-lost' });
  });

  test('its own abort', async () => {
    const migration = await prepared();
    const error = { code: 'cancelled', message: 'no more', host: 'source' } as const;
    migration.client.sendControl({ type: 'abort', error });
    expect(await migration.client.next()).toEqual({ type: 'aborted' });
    const { client } = agents().destinationAgent;
    expect(await client.get(migration.id)).toMatchObject({ state: 'cancelled', owner: false });
    await withDeadline(migration.destination.exited, overMs, 'the end of the QEMU that was left');
  });
});

test('a migration that has been here before is refused', async () => {
  const { client, id } = await greeted();
  client.terminate();
  const again = await StreamClient.open(agents().destinationAgent);
  again.send(encodeControl(helloOf(id)));
  expect(await again.next()).toMatchObject({ type: 'refused', error: { code: 'request-invalid' } });
});
