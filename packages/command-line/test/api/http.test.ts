import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestAuthority } from '../../../daemon/test/support/certificates.js';
import { exitCodes } from '../../src/exit-codes.js';
import { runCommandLine } from '../../src/run.js';
import { TestEnvironment } from '../support/test-environment.js';

let directory: string;
let authority: TestAuthority;
let other: TestAuthority;
let server: Server;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pageferry-command-line-'));
  [authority, other] = await Promise.all([
    TestAuthority.create(directory),
    TestAuthority.create(directory, 'other'),
  ]);
  const { pem } = await authority.issue('api', ['IP:127.0.0.1']);
  server = createServer(pem, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"migrations": [], "next": null}');
  });
  server.listen(0);
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  await rm(directory, { recursive: true });
});

async function list(host: string, scheme: string, ...flags: readonly string[]) {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  const environment = new TestEnvironment();
  const api = `${scheme}://${host}:${address.port}`;
  return { code: await runCommandLine(['list', '--api', api, ...flags], environment), environment };
}

test('an API behind a private authority is trusted by the certificate of that authority', async () => {
  const { code, environment } = await list('127.0.0.1', 'https', '--ca', authority.certificate);
  expect(environment.complained).toBe('');
  expect(code).toBe(exitCodes.done);
});

test.each([
  ['without its authority', '127.0.0.1', 'https', () => [], '--ca'],
  ['by another authority', '127.0.0.1', 'https', () => ['--ca', other.certificate], '--ca'],
  ['under another name', 'localhost', 'https', () => ['--ca', authority.certificate], 'for another name'],
  ['without TLS', '127.0.0.1', 'http', () => [], 'https://'],
])('%s it is not, and what to do is said', async (_what, host, scheme, flags, wayOut) => {
  const { code, environment } = await list(host, scheme, ...flags());
  expect(code).toBe(exitCodes.unreachable);
  expect(environment.complained).toContain(wayOut);
});
