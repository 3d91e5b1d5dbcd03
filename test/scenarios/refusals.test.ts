import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeQmpServer, speakQmp } from '../../packages/qemu/test/support/fake-qmp-server.js';
import type { Migration, Mode } from '../agents/migration.js';
import { requestMove, startIncoming } from '../agents/move-guest.js';
import { ProblemError } from '../agents/problem-error.js';
import type { GuestHardware } from '../guests/qemu-arguments.js';
import { useAgents } from './support/use-agents.js';
import { useResidentGuest } from './support/use-resident-guest.js';

const agents = useAgents();

const resident = useResidentGuest(agents);

const overMs = 30_000;

interface Refusal {
  readonly code: string;
  readonly host: 'source' | 'destination';
  readonly detail: RegExp;
}

/** The migration is taken on, fails before anything moves, and says what it was. */
async function expectFailure(
  request: Parameters<typeof requestMove>[2] & { readonly from?: string; readonly to?: string },
  { code, host, detail }: Refusal,
  url = agents().destinationAgent.url,
): Promise<Migration> {
  const { from = resident().name, to, ...rest } = request;
  const { client } = agents().sourceAgent;
  const destination = { url, ...(to !== undefined && { guest: to }) };
  const { id } = await client.migrate({ guest: from, destination, ...rest });
  const migration = await client.waitUntilOver(id, overMs);
  expect(migration).toMatchObject({ state: 'failed', bytes: { sent: 0 } });
  expect(migration.error).toMatchObject({ type: `urn:pageferry:error:${code}`, host });
  expect(migration.error?.detail).toMatch(detail);
  return migration;
}

async function expectProblem(request: Promise<unknown>, problem: Record<string, unknown>): Promise<void> {
  await expect(request).rejects.toThrow(ProblemError);
  await expect(request).rejects.toMatchObject({ problem });
}

describe('what answers behind the QMP socket', () => {
  const garbage = randomBytes(4096);
  interface Case extends Omit<Refusal, 'host'> {
    readonly what: string;
    readonly answer: Parameters<typeof FakeQmpServer.listen>[0];
  }
  const cases: readonly Case[] = [
    {
      what: 'is no QEMU',
      answer: (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
      code: 'qmp-protocol',
      detail: /fake\.sock/,
    },
    {
      what: 'is garbage',
      answer: (socket) => socket.write(Buffer.concat([garbage, Buffer.from('\n')])),
      code: 'qmp-protocol',
      detail: /fake\.sock/,
    },
    {
      what: 'never ends its line',
      answer: (socket) => socket.write(Buffer.alloc(20 << 20, 'x')),
      code: 'qmp-protocol',
      detail: /fake\.sock/,
    },
    {
      what: 'turns to garbage after the greeting',
      answer: speakQmp((_command, socket) => socket.write('}{ garbage\r\n')),
      code: 'qmp-protocol',
      detail: /fake\.sock/,
    },
    {
      what: 'is a QEMU that is too old',
      answer: speakQmp((_command, socket) => socket.end(), '7.2.22'),
      code: 'qemu-too-old',
      detail: /QEMU 7\.2\.22.*8\.2 or newer/,
    },
    {
      what: 'hangs up in the middle',
      answer: speakQmp((_command, socket) => socket.end()),
      code: 'qmp-closed',
      detail: /fake\.sock/,
    },
  ];
  for (const host of ['source', 'destination'] as const) {
    for (const { what, answer, ...refusal } of cases) {
      test(`on the ${host} ${what}`, async () => {
        const server = await FakeQmpServer.listen(answer, join(agents()[host].directory, 'fake.sock'));
        try {
          await expectFailure(host === 'source' ? { from: 'fake' } : { to: 'fake' }, { ...refusal, host });
        } finally {
          await server.close();
        }
      });
    }

    test(`on the ${host} is nobody`, async () => {
      await writeFile(join(agents()[host].directory, 'nobody.sock'), '');
      await expectFailure(host === 'source' ? { from: 'nobody' } : { to: 'nobody' }, {
        code: 'qmp-unreachable',
        host,
        detail: /nobody\.sock/,
      });
    });
  }

  test('serves another client', async () => {
    const other = createConnection(resident().qmpSocket);
    try {
      await expectFailure({}, { code: 'qmp-timeout', host: 'source', detail: /one client at a time/ });
    } finally {
      other.destroy();
    }
  });
});

describe('a guest that is not there', () => {
  test('on the source', async () => {
    const request = agents().sourceAgent.client.migrate({
      guest: 'nowhere',
      destination: { url: agents().destinationAgent.url },
    });
    await expectProblem(request, {
      type: 'urn:pageferry:error:guest-not-found',
      status: 404,
      host: 'source',
      detail: expect.stringContaining('nowhere.sock'),
    });
  });

  test('on the destination', async () => {
    await expectFailure(
      { to: 'nowhere' },
      { code: 'qmp-unreachable', host: 'destination', detail: /nowhere\.sock/ },
    );
  });
});

describe('a destination', () => {
  test('that is not there', async () => {
    await expectFailure(
      {},
      { code: 'peer-unreachable', host: 'source', detail: /ECONNREFUSED/ },
      `ws://${agents().destination.host.address}:1`,
    );
  });

  test('that is something else', async () => {
    const api = await agents().sourceAgent.connect();
    const port = api.remotePort;
    api.destroy();
    await expectFailure(
      {},
      { code: 'peer-unreachable', host: 'source', detail: /HTTP status 404.*stream address/ },
      `ws://127.0.0.1:${port ?? 0}`,
    );
  });
});

describe('a waiting QEMU', () => {
  interface Case extends Partial<GuestHardware> {
    readonly what: string;
    readonly finding: RegExp;
    readonly mode?: Mode;
  }
  const cases: readonly Case[] = [
    {
      what: 'with another machine type',
      machine: 'q35',
      finding: /machine type differs: pc-i440fx-[\d.]+ on the source, pc-q35-[\d.]+ on the destination/,
    },
    {
      what: 'with less RAM',
      memoryMiB: 128,
      finding: /pc\.ram has 268435456 bytes on the source and 134217728 on the destination/,
    },
    {
      what: 'with more RAM',
      memoryMiB: 512,
      finding: /pc\.ram has 268435456 bytes on the source and 536870912/,
    },
    { what: 'with another number of vCPUs', vcpus: 2, finding: /vCPUs differs: 1 on the source, 2 on/ },
    { what: 'with another processor', cpu: 'Nehalem', finding: /processor type differs: .*Nehalem/ },
    { what: 'with a screen', vga: true, finding: /The source has no RAM block .*vga/ },
  ];
  for (const { what, finding, mode = 'hybrid', ...other } of cases) {
    test(`${what} is refused, and not touched`, async () => {
      const destination = await agents().destination.startGuest({
        ...resident().options,
        ...other,
        incoming: true,
      });
      const { error } = await expectFailure(
        { mode },
        { code: 'preflight-failed', host: 'destination', detail: finding },
      );
      expect(error?.findings).toContainEqual(expect.stringMatching(finding));
      // It was only looked at.
      expect(await destination.state()).toBe('inmigrate');
    });
  }

  test('of another kind is refused with all that does not fit', async () => {
    const other = { machine: 'q35', memoryMiB: 128, vcpus: 2 } as const;
    await agents().destination.startGuest({ ...resident().options, ...other, incoming: true });
    const { error } = await expectFailure(
      {},
      { code: 'preflight-failed', host: 'destination', detail: /machine type/ },
    );
    for (const finding of [/machine type/, /number of vCPUs/, /pc\.ram/]) {
      expect(error?.findings).toContainEqual(expect.stringMatching(finding));
    }
  });

  test('that runs a guest of its own is left alone', async () => {
    const own = await agents().destination.startGuest({ ...resident().options, incoming: false });
    await expectFailure(
      {},
      {
        code: 'preflight-failed',
        host: 'destination',
        detail: /does not wait for a guest, it is running; start it with -incoming defer/,
      },
    );
    await own.waitUntilReady();
    expect(await own.state()).toBe('running');
  });
});

describe('a request', () => {
  test.each<[string, unknown]>([
    ['without anything', {}],
    ['without a body', undefined],
    ['that is a list', []],
    ['without a destination', { guest: 'guest' }],
    ['to a URL of another kind', { guest: 'guest', destination: { url: 'http://10.77.0.2:7411' } }],
    ['with an unknown mode', { guest: 'guest', destination: { url: 'ws://10.77.0.2:1' }, mode: 'teleport' }],
    [
      'with a downtime below zero',
      { guest: 'guest', destination: { url: 'ws://10.77.0.2:1' }, downtimeLimitMs: -1 },
    ],
    ['with an unknown field', { guest: 'guest', destination: { url: 'ws://10.77.0.2:1' }, force: true }],
    ['for a guest that is a path', { guest: '../guest', destination: { url: 'ws://10.77.0.2:1' } }],
  ])('%s is refused', async (_what, body) => {
    const { client } = agents().sourceAgent;
    const { length } = await client.list();
    await expectProblem(client.send({ method: 'POST', path: '/v1/migrations', body }), {
      type: 'urn:pageferry:error:request-invalid',
      status: 400,
      host: 'source',
    });
    expect(await client.list()).toHaveLength(length);
  });

  test('for a migration that is not there is refused', async () => {
    for (const { client, host } of [
      { client: agents().sourceAgent.client, host: 'source' },
      { client: agents().destinationAgent.client, host: 'destination' },
    ]) {
      await expectProblem(client.get('no-such-migration'), {
        type: 'urn:pageferry:error:migration-not-found',
        status: 404,
        host,
      });
      await expectProblem(client.send({ method: 'GET', path: '/v1/nothing' }), {
        type: 'urn:pageferry:error:route-not-found',
        status: 404,
      });
    }
  });

  test('for a guest that is being migrated is refused', async () => {
    const destination = await startIncoming(resident(), agents().destination);
    await agents().hosts.shape(50);
    try {
      const { id } = await requestMove(resident(), agents());
      await expectProblem(requestMove(resident(), agents()), {
        type: 'urn:pageferry:error:guest-busy',
        status: 409,
        host: 'source',
      });
      const { client } = agents().sourceAgent;
      await client.cancel(id);
      expect((await client.waitUntilOver(id, overMs)).state).toBe('cancelled');
      await expectProblem(client.cancel(id), { type: 'urn:pageferry:error:migration-state', status: 409 });
    } finally {
      await agents().hosts.shape(undefined);
    }
    await destination.kill();
  });
});
