import { randomUUID } from 'node:crypto';
import { Journal } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKnownGuests } from '../src/page-filter/known-guests.js';
import { OutgoingMigration } from '../src/outgoing-migration.js';
import type { MigrationRequest } from '../src/request.js';
import { OwnRoute } from '../src/route.js';
import { STALL_LIMIT_MS } from '../src/stall-watch.js';
import { FakeDestination, takeGuest, takePages, welcome, type Answer } from './support/fake-destination.js';
import { RunningQemu } from './support/running-qemu.js';
import { requestFor, sourceHost, type SourceHost } from './support/source-host.js';

// A real QEMU, and a destination that does what the test says. That guests stay whole is in test/scenarios.

const timeoutMs = 10_000;
const timings = { load: 5, journal: 6, resume: 7 };

let host: SourceHost;
let qemu: RunningQemu;
let agent: AbortController;
let id: string;

beforeEach(async () => {
  host = await sourceHost();
  qemu = await RunningQemu.start(host.socketOf('web1'));
  agent = new AbortController();
  id = randomUUID();
});

async function migrationTo(
  answers: readonly Answer[],
  more: Partial<MigrationRequest> = {},
): Promise<OutgoingMigration> {
  const { url } = await FakeDestination.listen(...answers);
  const { configuration, log } = host;
  const journal = await Journal.open(configuration.stateDirectory, id, { log });
  const request = requestFor('web1', { destination: { url }, mode: 'precopy', whenStalled: 'stop', ...more });
  const knownGuests = createKnownGuests();
  const route = new OwnRoute(url);
  return new OutgoingMigration({ id, request, configuration, knownGuests, journal, log, route });
}

/** Runs a migration to its end. */
async function migrate(...options: Parameters<typeof migrationTo>): Promise<OutgoingMigration> {
  const migration = await migrationTo(...options);
  await migration.run(agent.signal);
  return migration;
}

/** The guest runs on here, and the migration says why. */
async function expectGivenUp(
  { view }: OutgoingMigration,
  error: { readonly code: string; readonly host: string; readonly detail: string },
): Promise<void> {
  const { code, ...shown } = error;
  expect(view).toMatchObject({ state: 'failed', error: { type: `urn:pageferry:error:${code}`, ...shown } });
  expect(await qemu.isRunning()).toBe(true);
  expect((await host.events(id)).slice(-2)).toEqual(['rolled-back', 'ended']);
}

const giveAway = async (peer: PeerConnection): Promise<void> => {
  await takeGuest(peer);
  expect(await peer.next(['hand-over'], { timeoutMs })).toEqual({ type: 'hand-over', run: true });
};

const complete: Answer = async (peer) => {
  await giveAway(peer);
  await peer.send({ type: 'running', timings });
  await peer.send({ type: 'completed' });
};

describe('a guest that has moved', () => {
  test('leaves no QEMU behind', async () => {
    const { view } = await migrate([complete]);
    expect(view).toMatchObject({ state: 'completed', error: null, remainingPages: 0 });
    expect(view.history.map(({ state }) => state)).toEqual([
      'setup',
      'active',
      'pre-switchover',
      'device',
      'completed',
    ]);
    expect(view.downtime).toMatchObject({ load: 5, resume: 7 });
    expect(view.pages.normal).toBeGreaterThan(0);
    expect(await host.events(id)).toEqual(['started', 'stopping', 'handed-over', 'completed', 'ended']);
    await qemu.exited;
  });

  test('leaves a QEMU that does not run it, if so requested', async () => {
    const { view } = await migrate([complete], { sourceAfter: 'keep' });
    expect(view.state).toBe('completed');
    expect(await qemu.isRunning()).toBe(false);
  });

  test('has moved, also if the QEMU that it left does not answer', async () => {
    const hold: Answer = async (peer) => {
      await giveAway(peer);
      qemu.hold();
      await peer.send({ type: 'running', timings });
      await peer.send({ type: 'completed' });
    };
    const { view } = await migrate([hold]);
    expect(view).toMatchObject({ state: 'completed', error: null });
    expect((await host.events(id)).slice(-2)).toEqual(['completed', 'ended']);
  });

  test('has moved, also if the destination does not say that all is done', async () => {
    const silent: Answer = async (peer) => {
      await giveAway(peer);
      await peer.send({ type: 'running', timings });
      peer.close();
    };
    expect((await migrate([silent])).view.state).toBe('completed');
  });
});

describe('the guest stays here', () => {
  test('when the destination refuses it', async () => {
    const refuse: Answer = async (peer) => {
      await peer.send(welcome);
      await peer.next(['prepare'], { timeoutMs });
      const findings = ['another machine type', 'less memory'];
      await peer.send({
        type: 'failed',
        error: { code: 'preflight-failed', message: findings.join('; '), findings },
      });
      peer.close();
    };
    const migration = await migrate([refuse]);
    const detail = 'another machine type; less memory';
    await expectGivenUp(migration, { code: 'preflight-failed', host: 'destination', detail });
  });

  test('when the destination finds that this agent breaks the protocol', async () => {
    const detail = 'a page of a block that is not there';
    const find: Answer = async (peer) => {
      await takePages(peer);
      peer.onFrame = () => {
        throw new PageferryError('protocol-violation', detail);
      };
    };
    const migration = await migrate([find]);
    await expectGivenUp(migration, { code: 'protocol-violation', host: 'destination', detail });
  });

  test('when the destination breaks the protocol, and it hears why', async () => {
    const heard: unknown[] = [];
    const violate: Answer = async (peer) => {
      await takePages(peer);
      peer.onFrame = () => {
        peer.sendFrame(Buffer.of(0x10, 1, 2, 3)).catch(() => undefined);
      };
      await peer.next(['abort'], { timeoutMs }).then(({ error }) => heard.push(error));
    };
    const migration = await migrate([violate]);
    const message = 'a frame of 4 bytes has no whole header';
    await expectGivenUp(migration, { code: 'protocol-violation', host: 'source', detail: message });
    await expect.poll(() => heard).toEqual([{ code: 'protocol-violation', host: 'source', message }]);
  });

  test('when the destination says something else than whether it has taken the guest, and later that it has not', async () => {
    const violate: Answer = async (peer) => {
      await takeGuest(peer);
      await peer.send({ type: 'prepared' });
    };
    const forget: Answer = async (peer) => {
      await peer.send(welcome);
      await peer.send({ type: 'standing', phase: 'unknown', completed: false, missing: 0 });
      peer.close();
    };
    const migration = await migrate([violate, forget]);
    const detail =
      'the destination agent broke the protocol: it sent "prepared" where running or returned was expected';
    await expectGivenUp(migration, { code: 'protocol-violation', host: 'source', detail });
    expect(await host.events(id)).toEqual([
      'started',
      'stopping',
      'handed-over',
      'taken-back',
      'rolled-back',
      'ended',
    ]);
  });

  test('when the connection breaks', async () => {
    const leave: Answer = async (peer) => {
      await takePages(peer);
      peer.close();
    };
    const detail = 'the connection to the destination agent broke: it was closed (WebSocket status 1000)';
    await expectGivenUp(await migrate([leave]), { code: 'peer-lost', host: 'source', detail });
  });

  test('when the destination takes in no memory any more', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const migration = await migrate([
      async (peer) => {
        await takePages(peer);
        peer.onFrame = () => {
          vi.advanceTimersByTime(STALL_LIMIT_MS);
        };
        await peer.next(['abort'], { timeoutMs });
        await peer.send({ type: 'aborted' });
      },
    ]);
    await expectGivenUp(migration, {
      code: 'peer-timeout',
      host: 'destination',
      detail: 'the destination has taken in no memory for 30 s',
    });
  });

  test('when the destination gives it back', async () => {
    const giveBack: Answer = async (peer) => {
      await giveAway(peer);
      await peer.send({ type: 'returned', error: { code: 'qmp-command', message: 'no such image' } });
      peer.close();
    };
    const error = { code: 'qmp-command', host: 'destination', detail: 'no such image' };
    await expectGivenUp(await migrate([giveBack]), error);
    expect(await host.events(id)).toEqual([
      'started',
      'stopping',
      'handed-over',
      'taken-back',
      'rolled-back',
      'ended',
    ]);
  });

  test('when it is cancelled, and the destination hears it', async () => {
    const heard: unknown[] = [];
    const listen: Answer = async (peer) => {
      await takePages(peer);
      heard.push((await peer.next(['abort'], { timeoutMs })).error.code);
      await peer.send({ type: 'aborted' });
    };
    // So slowly that pre-copy cannot end before it is cancelled, however fast this machine is.
    const migration = await migrationTo([listen], { bandwidthCaps: { precopy: 1000 } });
    const running = migration.run(agent.signal);
    await expect.poll(() => migration.view.state).toBe('active');
    migration.cancel();
    await running;
    expect(migration.view).toMatchObject({ state: 'cancelled', error: { host: 'source' } });
    expect(heard).toEqual(['cancelled']);
    expect(await qemu.isRunning()).toBe(true);
    expect(await host.events(id)).toEqual(['started', 'rolled-back', 'ended']);
  });
});

test('a guest that someone else stops meanwhile stays here as it is', async () => {
  const stop: Answer = async (peer) => {
    await takePages(peer);
    await qemu.stop();
    await peer.next(['abort'], { timeoutMs });
    await peer.send({ type: 'aborted' });
  };
  // So slowly that pre-copy goes on for as long as it takes.
  const { view } = await migrate([stop], { bandwidthCaps: { precopy: 1000 } });
  const detail = 'the guest was stopped by someone else during the migration';
  expect(view).toMatchObject({ state: 'failed', error: { type: 'urn:pageferry:error:dirty-log', detail } });
  expect(await qemu.isRunning()).toBe(false);
  expect(await host.events(id)).toEqual(['started', 'rolled-back', 'ended']);
});

test('a guest that was handed over stays with the destination, whatever it says then', async () => {
  const takeIt: Answer = async (peer) => {
    await giveAway(peer);
    peer.fail(new PageferryError('internal', 'something unforeseen'));
  };
  const own: Answer = async (peer) => {
    await peer.send(welcome);
    await peer.send({ type: 'standing', phase: 'owner', completed: true, missing: 0 });
    peer.close();
  };
  const { view } = await migrate([takeIt, own], { sourceAfter: 'keep' });
  expect(view.state).toBe('completed');
  expect(await qemu.isRunning()).toBe(false);
  expect(await host.events(id)).toEqual(['started', 'stopping', 'handed-over', 'completed', 'ended']);
});

const takeForPostcopy: Answer = async (peer) => {
  await takePages(peer);
  await peer.next(['stale'], { timeoutMs });
  await peer.next(['device-state'], { timeoutMs });
  await peer.send({ type: 'ready' });
  await peer.next(['hand-over'], { timeoutMs });
  await peer.send({ type: 'running', timings });
  peer.close();
};

test('a guest is kept when the destination took it for post-copy, and knows nothing of it any more', async () => {
  const forget: Answer = async (peer) => {
    await peer.send(welcome);
    await peer.send({ type: 'standing', phase: 'unknown', completed: false, missing: 0 });
  };
  const { view } = await migrate([takeForPostcopy, forget], { mode: 'postcopy' });
  expect(view).toMatchObject({ state: 'failed', error: { type: 'urn:pageferry:error:ownership-unknown' } });
  expect(await qemu.isRunning()).toBe(false);
  expect((await host.events(id)).slice(-2)).toEqual(['failed', 'ended']);
});

test('a guest is lost when the destination gave it up before it had all of its pages', async () => {
  const giveUp: Answer = async (peer) => {
    await peer.send(welcome);
    const error = { code: 'incoming-failed', message: 'its QEMU is gone' } as const;
    await peer.send({ type: 'standing', phase: 'owner', completed: false, missing: 0, error });
    peer.close();
  };
  const { view } = await migrate([takeForPostcopy, giveUp], { mode: 'postcopy' });
  const detail = 'the destination gave the guest up before it had all of its pages: its QEMU is gone';
  expect(view).toMatchObject({
    state: 'failed',
    error: { type: 'urn:pageferry:error:guest-lost', host: 'destination', detail },
  });
  // It has gone on where it was lost.
  expect(await qemu.isRunning()).toBe(false);
  expect((await host.events(id)).slice(-2)).toEqual(['failed', 'ended']);
});

test('a migration whose QEMU dies says so', async () => {
  const kill: Answer = async (peer) => {
    await takePages(peer);
    qemu.kill();
    await peer.next(['abort'], { timeoutMs });
    await peer.send({ type: 'aborted' });
  };
  const { view } = await migrate([kill]);
  const error = { type: 'urn:pageferry:error:qmp-closed', host: 'source' };
  expect(view).toMatchObject({ state: 'failed', error });
});

test('the limits on the bandwidth are those of the request, until they are changed', async () => {
  const migration = await migrationTo([complete], { bandwidthCaps: { precopy: 50_000_000 } });
  expect(migration.view.bandwidthCaps).toEqual({ precopy: 50_000_000, postcopy: 0 });
  const running = migration.run(agent.signal);
  migration.change({ bandwidthCaps: { postcopy: 7 } });
  expect(migration.view.bandwidthCaps).toEqual({ precopy: 50_000_000, postcopy: 7 });
  migration.change({ bandwidthCaps: { precopy: 0 } });
  await running;
  expect(migration.view).toMatchObject({ state: 'completed', bandwidthCaps: { precopy: 0, postcopy: 7 } });
  for (const late of [
    () => {
      migration.change({ bandwidthCaps: { precopy: 1 } });
    },
    () => {
      migration.cancel();
    },
    () => {
      migration.forceSwitchOver();
    },
  ]) {
    expect(late).toThrow(expect.objectContaining({ code: 'migration-state' }));
  }
});
