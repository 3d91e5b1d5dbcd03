import { randomUUID } from 'node:crypto';
import { PageferryError } from '@pageferry/errors';
import { expect, test } from 'vitest';
import type { InterruptedPostcopy } from '../src/incoming-journal.js';
import { FakeDriver } from './support/fake-driver.js';
import { helloOf, next, startDestination } from './support/source-side.js';

// That a guest goes on with what it has is in test/scenarios.

const id = randomUUID();
const postcopy: InterruptedPostcopy = {
  guest: 'web1',
  mode: 'postcopy',
  blocks: [],
  run: true,
  qemu: 'that one',
  peers: undefined,
};

test('a guest is not given up because its driver cannot say where it is, but once it is gone', async () => {
  const driver = new FakeDriver(() => undefined);
  const find = driver.find.bind(driver);
  driver.find = async (guest) => {
    const gone = await find(guest);
    if (driver.calls.length === 1) throw new PageferryError('driver-failed', 'no answer yet');
    return gone;
  };
  const recovery = { ended: [], interrupted: [{ id, postcopy }] };
  const { migrations, connect } = await startDestination(recovery, {}, { driver });
  await migrations.takeUp(recovery);
  await migrations.settled();
  expect(driver.calls).toEqual(['find web1', 'find web1']);
  const source = await connect();
  await source.send(helloOf(id, { resume: true }));
  await source.next(['welcome'], next);
  const error = { code: 'qmp-unreachable', message: 'QEMU is gone', host: 'destination' };
  expect(await source.next(['standing'], next)).toMatchObject({ phase: 'owner', completed: false, error });
});
