import { Journal } from '@pageferry/daemon';
import { beforeEach, expect, test } from 'vitest';
import { OutgoingJournal } from '../src/outgoing-journal.js';
import { recoverMigrations } from '../src/recovery.js';
import { requestFor, sourceHost, type SourceHost } from './support/source-host.js';

const id = 'one';

let host: SourceHost;

beforeEach(async () => {
  host = await sourceHost();
});

async function openJournal(maxBytes?: number): Promise<OutgoingJournal> {
  const { stateDirectory } = host.configuration;
  const journal = await Journal.open(stateDirectory, id, {
    log: host.log,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  return new OutgoingJournal(journal, false);
}

test('the guest is given away from the call on, and stands so on disk when it resolves', async () => {
  const journal = await openJournal();
  expect(journal.handedOver).toBe(false);
  const writing = journal.handOver();
  expect(journal.handedOver).toBe(true);
  await writing;
  expect(journal.handedOver).toBe(true);
  expect(await host.events(id)).toEqual(['handed-over']);
  await journal.close();
});

test('the guest is not given away by an entry that could not be written', async () => {
  const journal = await openJournal(10);
  await expect(journal.handOver()).rejects.toMatchObject({ code: 'journal' });
  expect(journal.handedOver).toBe(false);
  await journal.close();
});

test('the guest is back only when that stands on disk', async () => {
  const journal = await openJournal(60);
  await journal.handOver();
  await expect(journal.takeBack()).rejects.toMatchObject({ code: 'journal' });
  expect(journal.handedOver).toBe(true);
  await journal.close();
  const roomy = await openJournal();
  await roomy.takeBack();
  expect(roomy.handedOver).toBe(false);
  await roomy.close();
  expect(await host.events(id)).toEqual(['handed-over', 'taken-back']);
});

test('what it writes is what the next run understands', async () => {
  const request = requestFor('web1', { bandwidthCaps: { precopy: 5 }, whenStalled: 'stop' });
  const journal = await openJournal();
  await journal.record({ event: 'started', startedAt: 1, request, wasRunning: true, qemu: '7@8' });
  await journal.record({ event: 'stopping', postcopy: true });
  await journal.handOver();
  await journal.close();
  const handOver = { request, wasRunning: true, postcopy: true, qemu: '7@8' };
  const { signal } = new AbortController();
  const { interrupted } = await recoverMigrations(host.configuration, host.log, signal);
  expect(interrupted).toEqual([{ id, handOver }]);
});
