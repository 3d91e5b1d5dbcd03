import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { TestAuthority, type Issued } from '../../daemon/test/support/certificates.js';
import type { LinkIdentity } from '../src/index.js';
import { errorLike } from './support/error-like.js';
import { secured } from './support/secured-peers.js';

const allowed = ['*.hosts.test'];

let directory: string;
let authority: TestAuthority;
let server: Issued;
let client: Issued;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pageferry-revocation-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));
beforeEach(async ({ task }) => {
  authority = await TestAuthority.create(directory, task.id);
  server = await authority.issue(`server-${task.id}`, ['DNS:localhost']);
  client = await authority.issue(`client-${task.id}`, ['DNS:a.hosts.test']);
});

const as = ({ pem }: Issued, ...crl: string[]): LinkIdentity => ({
  ...pem,
  ca: authority.pem,
  ...(crl.length > 0 && { crl }),
});
const listOf = async (revoked: readonly Issued[], until?: string): Promise<string> =>
  (await authority.revoke(revoked, until)).pem;

test('hosts whose certificates have not been revoked connect, by the lists of both', async () => {
  const list = await listOf([await authority.issue('gone', ['DNS:c.hosts.test'])]);
  const { connect, names } = await secured(as(server, list), allowed);
  await connect(as(client, list));
  expect(names).toEqual([['a.hosts.test']]);
});

test('a source whose certificate has been revoked is refused, and both sides know why', async () => {
  const { connect, refusals, connections } = await secured(as(server, await listOf([client])), allowed);
  await expect(connect(as(client))).rejects.toEqual(
    errorLike('peer-revoked', /does not let this host in: its certificate has been revoked/, 'destination'),
  );
  expect(refusals).toMatchObject([{ error: { code: 'peer-revoked' }, offered: ['a.hosts.test'] }]);
  expect(connections).toEqual([]);
});

test('a destination whose certificate has been revoked is not believed', async () => {
  const { connect, connections } = await secured(as(server), allowed);
  await expect(connect(as(client, await listOf([server])))).rejects.toEqual(
    errorLike('peer-revoked', /has been revoked, by a list in tlsRevocationList/, 'source'),
  );
  expect(connections).toEqual([]);
});

test('a new list counts from the next connection on, and the ones before go on', async () => {
  const { connect, connections, listener } = await secured(as(server, await listOf([])), allowed);
  const before = await connect(as(client));
  listener.identity = as(server, await listOf([client]));
  await expect(connect(as(client))).rejects.toEqual(errorLike('peer-revoked', /revoked/, 'destination'));
  await before.send({ type: 'all-sent' });
  expect(await connections[0]?.next(['all-sent'], { timeoutMs: 5_000 })).toBeDefined();
});

test('by a list that is too old nobody is believed, on either side', async () => {
  const old = await listOf([], '20200102000000Z');
  const strict = await secured(as(server, old), allowed);
  await expect(strict.connect(as(client))).rejects.toEqual(
    errorLike('peer-not-trusted', /not accepted there: CRL_HAS_EXPIRED/, 'destination'),
  );
  const { connect } = await secured(as(server), allowed);
  await expect(connect(as(client, old))).rejects.toEqual(
    errorLike('peer-not-trusted', /tlsRevocationList has no list .*\(CRL_HAS_EXPIRED\)/, 'source'),
  );
});

test('without a list of its authority nobody is believed', async () => {
  const other = await TestAuthority.create(directory, 'without-list');
  const { pem } = await other.revoke([]);
  const { connect } = await secured(as(server, pem), allowed);
  await expect(connect(as(client))).rejects.toEqual(
    errorLike('peer-not-trusted', /UNABLE_TO_GET_CRL/, 'destination'),
  );
});

test('of several lists each counts', async () => {
  const other = await TestAuthority.create(directory, 'other');
  const { pem } = await other.revoke([]);
  const { connect } = await secured(as(server, pem, await listOf([client])), allowed);
  await expect(connect(as(client))).rejects.toEqual(errorLike('peer-revoked', /revoked/, 'destination'));
});
