import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@pageferry/daemon';
import type { LinkIdentity, ListenerTls, PeerConnection } from '@pageferry/link';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TestAuthority } from '../../daemon/test/support/certificates.js';
import { describeMachine } from '../../qemu/src/machine/describe-machine.js';
import { BareQemu } from '../../qemu/test/support/bare-qemu.js';
import { recoverMigrations } from '../src/recovery.js';
import { requireSamePeer } from '../src/same-peer.js';
import { FakeDriver } from './support/fake-driver.js';
import { helloOf, next, startDestination } from './support/source-side.js';

let directory = '';
let tls: ListenerTls;
/** The host that begins the migrations; the same with a new certificate; another one that may send guests here, too. */
let beginner: LinkIdentity;
let renewed: LinkIdentity;
let other: LinkIdentity;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pageferry-same-peer-'));
  const authority = await TestAuthority.create(directory);
  const issue = async (file: string, ...names: string[]): Promise<LinkIdentity> => {
    const { pem } = await authority.issue(file, names);
    return { ...pem, ca: authority.pem };
  };
  tls = { identity: await issue('here', 'DNS:localhost'), allowedPeers: ['*.hosts.test'] };
  beginner = await issue('beginner', 'DNS:a.hosts.test', 'DNS:old.hosts.test');
  renewed = await issue('renewed', 'DNS:a.hosts.test', 'URI:spiffe://hosts.test/a');
  other = await issue('other', 'DNS:b.hosts.test');
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function askAs(identity: LinkIdentity, destination: Connectable, id: string): Promise<unknown> {
  const peer = await destination.connect(identity);
  await peer.send(helloOf(id, { resume: true }));
  await peer.next(['welcome'], next);
  return peer.next(['standing'], next);
}

interface Connectable {
  readonly connect: (identity?: LinkIdentity) => Promise<PeerConnection>;
}

const notTrusted = { code: 'peer-not-trusted', host: 'destination' };

test('only the host that began a migration goes on with it, be its certificate another one', async () => {
  const destination = await startDestination(undefined, {}, { tls });
  const id = randomUUID();
  const first = await destination.connect(beginner);
  await first.send(helloOf(id));
  await first.next(['welcome'], next);

  await expect(askAs(other, destination, id)).rejects.toMatchObject(notTrusted);
  expect(first.isOpen).toBe(true);
  expect(destination.migrations.view(id).state).toBe('setup');

  expect(await askAs(renewed, destination, id)).toMatchObject({ phase: 'unknown' });
  await first.closed;
  // It is over now, and still nobody else's.
  await destination.migrations.settled();
  await expect(askAs(other, destination, id)).rejects.toMatchObject(notTrusted);
  expect(await askAs(beginner, destination, id)).toMatchObject({ phase: 'unknown' });
});

test('that holds for the next run of the agent, too', async () => {
  const args = ['-m', '32', '-incoming', 'defer', '-qmp', 'unix:FOLDER/second,server=on,wait=off'];
  const qemu = await BareQemu.start(...args);
  onTestFinished(() => qemu.kill());
  const driver = new FakeDriver(() => `${qemu.folder}/second`);
  const destination = await startDestination(undefined, {}, { driver, tls });
  const id = randomUUID();
  const peer = await destination.connect(beginner);
  await peer.send(helloOf(id));
  await peer.next(['welcome'], next);
  const machine = { ...(await describeMachine(qemu.qmp)), runState: 'running' };
  await peer.send({ type: 'prepare', guest: 'web1', mode: 'precopy', machine });
  await peer.next(['prepared'], next);
  peer.close();
  await destination.migrations.settled();

  const log = createLogger({ name: 'test', level: 'fatal' });
  const recovery = await recoverMigrations(destination.configuration, driver, log);
  const restarted = await startDestination(recovery, {}, { tls });
  await expect(askAs(other, restarted, id)).rejects.toMatchObject(notTrusted);
  expect(await askAs(beginner, restarted, id)).toMatchObject({ phase: 'unknown' });
});

describe('a migration', () => {
  test.each([
    ['that was begun without a certificate', []],
    ['of an earlier version, which did not say who began it', undefined],
  ])('%s is gone on with by anyone', (_what, begunBy) => {
    expect(() => {
      requireSamePeer('one', begunBy, ['b.hosts.test']);
    }).not.toThrow();
  });

  test('that was begun with a certificate is not gone on with without one', () => {
    expect(() => {
      requireSamePeer('one', ['a.hosts.test'], []);
    }).toThrow('only the host that began it');
  });
});
