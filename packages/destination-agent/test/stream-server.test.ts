import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { FrameKind, HEADER_BYTES, writeHeader } from '@pageferry/wire';
import { describe, expect, onTestFinished, test } from 'vitest';
import { helloOf, next, startDestination } from './support/source-side.js';

const id = randomUUID();
const refused = (code: string): object => ({ type: 'refused', error: { code, host: 'destination' } });

describe('a hello', () => {
  test('of a new migration is welcomed, with the window', async () => {
    const { connect, migrations } = await startDestination();
    const peer = await connect();
    await peer.send(helloOf(id));
    expect(await peer.next(['welcome'], next)).toMatchObject({ version: 1, window: 8 * 1024 * 1024 });
    expect(migrations.view(id)).toMatchObject({ state: 'setup', owner: false });
  });

  test('of a source that speaks newer versions, too, gets the common one', async () => {
    const { connect } = await startDestination();
    const peer = await connect();
    await peer.send(helloOf(id, { highest: 7 }));
    expect(await peer.next(['welcome'], next)).toMatchObject({ version: 1 });
  });

  test('without a common version is refused', async () => {
    const { connect, migrations } = await startDestination();
    const peer = await connect();
    await peer.send(helloOf(id, { lowest: 2, highest: 3 }));
    expect(await peer.next(['refused'], next)).toMatchObject(refused('protocol-version'));
    await peer.closed;
    expect(migrations.views).toEqual([]);
  });

  test('that comes twice ends the migration', async () => {
    const { connect, migrations } = await startDestination();
    const peer = await connect();
    await peer.send(helloOf(id));
    await peer.next(['welcome'], next);
    await peer.send(helloOf(id));
    await expect(peer.next(['prepared'], next)).rejects.toMatchObject({ code: 'protocol-violation' });
    await migrations.settled();
    expect(migrations.view(id).state).toBe('failed');
  });

  test('of a migration that is under way is refused, and does not disturb it', async () => {
    const { connect, migrations } = await startDestination();
    const peer = await connect();
    await peer.send(helloOf(id));
    await peer.next(['welcome'], next);
    const second = await connect();
    await second.send(helloOf(id));
    expect(await second.next(['refused'], next)).toMatchObject(refused('request-invalid'));
    expect(migrations.view(id).state).toBe('setup');
    expect(peer.isOpen).toBe(true);
  });

  test('of a migration that an earlier run has ended is refused', async () => {
    const ended = [{ id, phase: 'unknown', completed: false }] as const;
    const { connect } = await startDestination({ ended, interrupted: [] });
    const peer = await connect();
    await peer.send(helloOf(id));
    expect(await peer.next(['refused'], next)).toMatchObject(refused('request-invalid'));
  });
});

const lost = { code: 'incoming-failed', message: 'its QEMU is gone' } as const;

describe('a source that asks what became of its migration', () => {
  test.each([
    ['an unknown one', [], { phase: 'unknown', completed: false }],
    ['one that was given up', [{ id, phase: 'unknown', completed: false }], { phase: 'unknown' }],
    ['one that was given back', [{ id, phase: 'returned', completed: false }], { phase: 'returned' }],
    [
      'one that has come in',
      [{ id, phase: 'owner', completed: true }],
      { phase: 'owner', completed: true, missing: 0 },
    ],
    [
      'one that came in, and was lost',
      [{ id, phase: 'owner', completed: false, error: lost }],
      { phase: 'owner', completed: false, missing: 0, error: lost },
    ],
  ] as const)('hears it of %s', async (_what, ended, standing) => {
    const { connect } = await startDestination({ ended, interrupted: [] });
    const peer = await connect();
    await peer.send(helloOf(id, { resume: true }));
    await peer.next(['welcome'], next);
    expect(await peer.next(['standing'], next)).toMatchObject(standing);
    await peer.closed;
  });
});

describe('a connection is ended', () => {
  test('that begins with another message', async () => {
    const { connect } = await startDestination();
    const peer = await connect();
    await peer.send({ type: 'all-sent' });
    expect(await peer.next(['refused'], next)).toMatchObject(refused('protocol-violation'));
    await peer.closed;
  });

  test('that begins with a frame', async () => {
    const { connect } = await startDestination();
    const peer = await connect();
    const frame = Buffer.alloc(HEADER_BYTES);
    writeHeader(frame, { kind: FrameKind.pages, sequence: 1, block: 0, count: 0 });
    await peer.sendFrame(frame);
    expect(await peer.closed).toMatchObject({ code: 'protocol-violation' });
  });

  test('that says nothing, when there are too many of them: a source with a migration gets in', async () => {
    const { port, connect } = await startDestination();
    const silent = Array.from({ length: 100 }, () => connectTcp(port, '127.0.0.1'));
    onTestFinished(() => {
      for (const socket of silent) socket.destroy();
    });
    const ended = silent.map((socket) => once(socket.on('error', () => undefined).resume(), 'close'));
    await Promise.race(ended);
    const peer = await connect();
    await peer.send(helloOf(id));
    expect(await peer.next(['welcome'], next)).toMatchObject({ version: 1 });
  });
});

test('plain HTTP is told what the port is for', async () => {
  const { port } = await startDestination();
  const response = await fetch(`http://127.0.0.1:${port}/`);
  expect(response.status).toBe(426);
  expect(await response.text()).toContain('pageferry');
});
