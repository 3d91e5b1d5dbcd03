import { PageferryError, type ErrorCode } from '@pageferry/errors';
import { Value } from '@sinclair/typebox/value';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Gang } from '../../src/gang/gang.js';
import type { ClosableRoute } from '../../src/gang/gang-options.js';
import { GangRequest } from '../../src/gang/gang-request.js';
import type { MemberMigration } from '../../src/gang/member.js';
import type { MigrationRequest } from '../../src/request.js';
import { OwnRoute } from '../../src/route.js';
import { viewRequest } from '../../src/view-request.js';
import { silent } from '../support/simulated-migration.js';

class FakeMigration implements MemberMigration {
  readonly id: string;
  readonly request: MigrationRequest;
  readonly over: Promise<PageferryError | undefined>;
  handedOver = false;
  #end: (error: PageferryError | undefined) => void = () => undefined;

  constructor(request: MigrationRequest, number: number) {
    this.id = `m${number}`;
    this.request = request;
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get view() {
    return { ...viewRequest(this.id, this.request, 0), bytes: { sent: 10 } };
  }

  cancel(): void {
    if (this.handedOver) throw new PageferryError('migration-state', 'too late');
    this.fail('cancelled');
  }

  succeed(): void {
    this.#end(undefined);
  }

  fail(code: ErrorCode): void {
    this.#end(new PageferryError(code, 'as the test wants it'));
  }
}

let started: FakeMigration[];
let refusals: PageferryError[];
let closed: number;

beforeEach(() => {
  started = [];
  refusals = [];
  closed = 0;
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
});

interface RunningGang {
  readonly gang: Gang;
  readonly ended: Promise<void>;
  readonly agent: AbortController;
}

function run(guests: readonly string[], more: Partial<GangRequest> = {}): RunningGang {
  const request = Value.Parse(GangRequest, { guests, destination: { url: 'ws://127.0.0.1:9' }, ...more });
  const route: ClosableRoute = Object.assign(new OwnRoute('ws://127.0.0.1:9'), {
    close: () => {
      closed++;
    },
  });
  const start = async (one: MigrationRequest): Promise<FakeMigration> => {
    await Promise.resolve();
    const refusal = refusals.shift();
    if (refusal !== undefined) throw refusal;
    const migration = new FakeMigration(one, started.length + 1);
    started.push(migration);
    return migration;
  };
  const gang = new Gang({ id: 'gang', request, guests, route, start, log: silent });
  const agent = new AbortController();
  return { gang, ended: gang.run(agent.signal), agent };
}

const names = (): string[] => started.map(({ request }) => request.guest);
const statesOf = (gang: Gang): string[] => gang.view.guests.map(({ state }) => state);

async function untilStarted(count: number): Promise<void> {
  await vi.waitFor(() => {
    expect(started).toHaveLength(count);
  });
}

test('guests move in their order, no more at once than are wanted', async () => {
  const { gang, ended } = run(['a', 'b', 'c'], { atOnce: 2, mode: 'precopy', downtimeLimitMs: 77 });
  await untilStarted(2);
  expect(names()).toEqual(['a', 'b']);
  expect(started[0]?.request).toMatchObject({ mode: 'precopy', downtimeLimitMs: 77 });
  expect(statesOf(gang)).toEqual(['moving', 'moving', 'waiting']);
  started[1]?.succeed();
  await untilStarted(3);
  expect(statesOf(gang)).toEqual(['moving', 'moved', 'moving']);
  for (const migration of started) migration.succeed();
  await ended;
  expect(gang.view).toMatchObject({ state: 'completed', sent: { bytes: 30 } });
  expect(closed).toBe(1);
});

test('one that fails does not stop the others', async () => {
  const { gang, ended } = run(['a', 'b'], { atOnce: 1 });
  await untilStarted(1);
  started[0]?.fail('qmp-closed');
  await untilStarted(2);
  started[1]?.succeed();
  await ended;
  expect(statesOf(gang)).toEqual(['failed', 'moved']);
  expect(gang.view.state).toBe('failed');
  expect(gang.view.guests[0]?.error?.type).toContain('qmp-closed');
});

test('unless the request says so: then those that can be given up are, and the rest is not begun', async () => {
  const { gang, ended } = run(['a', 'b', 'c', 'd'], { atOnce: 3, whenOneFails: 'stop' });
  await untilStarted(3);
  const handedOver = started[2];
  if (handedOver !== undefined) handedOver.handedOver = true;
  started[0]?.fail('not-converging');
  await vi.waitFor(() => {
    expect(statesOf(gang)).toEqual(['failed', 'cancelled', 'moving', 'skipped']);
  });
  handedOver?.succeed();
  await ended;
  expect(gang.view.state).toBe('failed');
});

test('a guest whose destination was lost before the hand-over is tried again, a few times', async () => {
  const { gang, ended } = run(['a']);
  for (let attempt = 1; attempt <= 5; attempt++) {
    await untilStarted(attempt);
    started.at(-1)?.fail('peer-lost');
    await vi.advanceTimersByTimeAsync(60_000);
  }
  await ended;
  expect(gang.view.guests).toMatchObject([{ state: 'failed', attempts: 5, sentBytes: 50 }]);
});

test('where a host allows no more at once, fewer move at once', async () => {
  refusals = [];
  const { gang, ended } = run(['a', 'b', 'c'], { atOnce: 3 });
  await untilStarted(3);
  started[2]?.fail('too-many-migrations');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(gang.view.atOnce).toBe(2);
  expect(started).toHaveLength(3);
  started[0]?.succeed();
  await untilStarted(4);
  expect(names()).toEqual(['a', 'b', 'c', 'c']);
  for (const migration of started) migration.succeed();
  await ended;
  expect(gang.view.state).toBe('completed');
});

test('a guest that cannot be migrated at all fails by itself', async () => {
  refusals = [new PageferryError('guest-not-found', 'there is none')];
  const { gang, ended } = run(['a', 'b']);
  await untilStarted(1);
  started[0]?.succeed();
  await ended;
  expect(gang.view.guests).toMatchObject([
    { state: 'failed', migration: null, attempts: 1 },
    { state: 'moved', migration: 'm1' },
  ]);
});

test('a gang that is cancelled keeps here what has not been handed over', async () => {
  const { gang, ended } = run(['a', 'b', 'c'], { atOnce: 2 });
  await untilStarted(2);
  const first = started[0];
  if (first !== undefined) first.handedOver = true;
  gang.cancel();
  gang.cancel();
  await vi.waitFor(() => {
    expect(statesOf(gang)).toEqual(['moving', 'cancelled', 'skipped']);
  });
  expect(gang.view.state).toBe('cancelling');
  first?.succeed();
  await ended;
  expect(gang.view.state).toBe('cancelled');
  expect(() => {
    gang.cancel();
  }).toThrow(expect.objectContaining({ code: 'migration-state' }));
});

test('a pause before another attempt ends with a cancel', async () => {
  const { gang, ended } = run(['a']);
  await untilStarted(1);
  started[0]?.fail('peer-lost');
  await vi.advanceTimersByTimeAsync(1);
  gang.cancel();
  await ended;
  expect(started).toHaveLength(1);
  expect(gang.view.state).toBe('cancelled');
});

test('the limits of a gang change while it runs', async () => {
  const { gang, ended } = run(['a', 'b', 'c'], { atOnce: 1, bandwidthCap: 1000 });
  await untilStarted(1);
  expect(gang.view).toMatchObject({ atOnce: 1, bandwidthCap: 1000 });
  gang.change({ atOnce: 3, bandwidthCap: 5000 });
  await untilStarted(3);
  expect(gang.view).toMatchObject({ atOnce: 3, bandwidthCap: 5000 });
  for (const migration of started) migration.succeed();
  await ended;
});

test('an agent that ends begins no more, and waits for those under way', async () => {
  const { gang, ended, agent } = run(['a', 'b'], { atOnce: 1 });
  await untilStarted(1);
  const migration = started[0];
  if (migration !== undefined) migration.handedOver = true;
  agent.abort();
  await vi.advanceTimersByTimeAsync(1);
  expect(statesOf(gang)).toEqual(['moving', 'skipped']);
  migration?.fail('interrupted');
  await ended;
  expect(names()).toEqual(['a']);
});

test('those who follow it hear of its states, of its progress, and of its end', async () => {
  const { gang, ended } = run(['a']);
  const heard: string[] = [];
  gang.feed.listen({
    take: ({ name }) => heard.push(name),
    end: () => heard.push('over'),
  });
  await untilStarted(1);
  await vi.advanceTimersByTimeAsync(1100);
  started[0]?.succeed();
  await ended;
  expect(heard).toEqual(['progress', 'progress', 'state', 'end', 'over']);
});

test('a gang that is over holds on to nothing but how it ended', async () => {
  const { gang, ended } = run(['a', 'b']);
  await untilStarted(2);
  const asked = started.map((migration) => vi.spyOn(migration, 'view', 'get'));
  for (const migration of started) migration.succeed();
  await ended;
  for (const spy of asked) spy.mockClear();
  const { view } = gang;
  expect(view).toMatchObject({ state: 'completed', sent: { bytes: 20 }, bandwidthCap: 0 });
  expect(view.guests.map(({ state, migration }) => [state, migration])).toEqual([
    ['moved', 'm1'],
    ['moved', 'm2'],
  ]);
  for (const spy of asked) expect(spy).not.toHaveBeenCalled();
});
