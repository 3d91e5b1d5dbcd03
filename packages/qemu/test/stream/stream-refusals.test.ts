import { Type } from '@sinclair/typebox';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PageferryError } from '@pageferry/errors';
import type { Block } from '@pageferry/transfer';
import { ByteWriter } from '../../src/stream/byte-writer.js';
import { Section } from '../../src/stream/constants.js';
import { expectError } from '../support/expect-error.js';
import { IncomingPair } from '../support/incoming-pair.js';

/** Longer than any wait of an incoming session, ms. */
const LONGEST_WAIT_MS = 120_000;

const { signal } = new AbortController();
const Migration = Type.Object({ status: Type.String(), 'error-desc': Type.Optional(Type.String()) });

let pair: IncomingPair;

beforeEach(async () => {
  pair = await IncomingPair.start({ machine: 'pc' });
});
afterEach(async () => {
  vi.useRealTimers();
  await pair.kill();
});

const ram = (): Block => {
  const block = pair.layout.blockNamed('pc.ram');
  if (block === undefined) throw new Error('there is no pc.ram');
  return block;
};

/** Device sections of which QEMU reads this much of the next section's head. */
const headOfSection = (name: string, nameBytes: number): ByteWriter =>
  new ByteWriter()
    .bytes(pair.deviceSections)
    .u8(Section.full)
    .u32(12_345)
    .u8(nameBytes)
    .bytes(Buffer.from(name));

/** QEMU ends its migration by itself and has a reason for it. */
async function expectQemuToGiveUp(): Promise<void> {
  await vi.waitFor(
    async () => {
      const migration = await pair.destination.qmp.executeAs(Migration, 'query-migrate');
      expect(migration.status).toBe('failed');
      expect(migration['error-desc']).toContain('load of migration failed');
    },
    { timeout: 20_000, interval: 10 },
  );
}

async function expectFailure(failure: Promise<PageferryError>): Promise<void> {
  expect(await failure).toMatchObject({ code: 'incoming-failed' });
}

describe('QEMU refuses', () => {
  it('another machine type, before it says that it has begun', async () => {
    await expectError(
      pair.open({ signal, machineType: 'pc-q35-8.2' }),
      'incoming-failed',
      'load of migration failed: Invalid argument',
    );
    await expectQemuToGiveUp();
  });

  it('a RAM block that it does not have', async () => {
    const blocks = [...pair.layout.blocks, { name: 'nvdimm0', length: 4096, pageSize: 4096 }];
    await expectFailure((await pair.open({ signal, blocks })).failure);
    await expectQemuToGiveUp();
  });

  it('a RAM block of another length', async () => {
    const blocks = pair.layout.blocks.map((block) =>
      block.name === 'pc.ram' ? { ...block, length: block.length + 4096 } : block,
    );
    await expectFailure((await pair.open({ signal, blocks })).failure);
    await expectQemuToGiveUp();
  });

  it('a page behind the end of its block, and every write after it', async () => {
    const session = await pair.open({ signal });
    await session.writeZeroPages(ram(), ram().length, 1);
    await expectFailure(session.failure);
    await expectError(session.writeZeroPages(ram(), 0, 1), 'incoming-failed');
    await expectError(
      session.loadPrecopy(pair.deviceSections, signal),
      'incoming-failed',
      'Invalid argument',
    );
    await expectQemuToGiveUp();
  });

  it('a section of a device that it does not have', async () => {
    const sections = headOfSection('nonsense', 8).u32(0).u32(1).toBuffer();
    await expectError(
      (await pair.open({ signal })).loadPrecopy(sections, signal),
      'incoming-failed',
      'load of migration failed',
    );
    await expectQemuToGiveUp();
  });

  it('what is no section at all', async () => {
    const garbage = Buffer.alloc(4096, 0x55);
    await expectError(
      (await pair.open({ signal })).loadPrecopy(garbage, signal),
      'incoming-failed',
      'load of migration failed',
    );
    await expectQemuToGiveUp();
  });

  it('a device state that is cut off in its package, at the switch to post-copy', async () => {
    const session = await pair.open({ signal, postcopy: true });
    const all: Parameters<typeof session.loadPostcopy>[0] = (discard) => {
      discard(ram(), 0, ram().length);
    };
    const cut = headOfSection('', 200).toBuffer();
    await expectError(session.loadPostcopy(all, cut, signal), 'incoming-failed');
  });
});

describe('a stream that breaks off', () => {
  it('in the device state is waited for no longer than the session says', async () => {
    const session = await pair.open({ signal });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const loaded = session.loadPrecopy(headOfSection('', 200).toBuffer(), signal);
    const refused = expectError(loaded, 'incoming-failed', 'QEMU does not end its migration');
    vi.advanceTimersByTime(LONGEST_WAIT_MS);
    await refused;
    vi.useRealTimers();
    session.close();
    await expectQemuToGiveUp();
  });

  it('in its pages ends the migration in QEMU as soon as the session is closed', async () => {
    const session = await pair.open({ signal });
    await session.writeZeroPages(ram(), 0, 8);
    session.close();
    await expectFailure(session.failure);
    await expectQemuToGiveUp();
  });

  it('because QEMU was killed is a failure, not a wait', async () => {
    const session = await pair.open({ signal });
    const loaded = session.loadPrecopy(headOfSection('', 200).toBuffer(), signal);
    const refused = expectError(loaded, 'incoming-failed', 'has gone');
    process.kill(pair.destination.pid, 'SIGKILL');
    await refused;
    await expectError(session.writeZeroPages(ram(), 0, 1), 'incoming-failed', 'has gone');
  });
});
