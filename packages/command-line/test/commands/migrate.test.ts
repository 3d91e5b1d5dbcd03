import { describe, expect, test } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { events, json } from '../support/fake-agent.js';
import { cancelled, completed, failed, inPrecopy, misfit } from '../support/recorded-migration.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

const MIGRATIONS = 'POST /v1/migrations';
const ONE = `GET /v1/migrations/${inPrecopy.id}`;
const EVENTS = `${ONE}/events`;
const migrate = ['migrate', 'web1', '--to', 'ws://10.0.0.2:7411'];

describe('what is asked for', () => {
  test('leaves to the agent what is not said', async () => {
    agent().on(MIGRATIONS, json(inPrecopy, 202));
    await pageferry([...migrate, '--detach']);
    const [request] = agent().asked(MIGRATIONS);
    expect(request?.body).toEqual({ guest: 'web1', destination: { url: 'ws://10.0.0.2:7411' } });
    expect(request?.headers['idempotency-key']).toMatch(/^[\x21-\x7e]{1,255}$/);
  });

  test('is all that the flags say, in the units of the API', async () => {
    agent().on(MIGRATIONS, json(inPrecopy, 202));
    const flags = ['--as', 'web2', '--mode', 'precopy', '--downtime-limit', '50', '--time-limit', '1.5'];
    const more = ['--when-stalled', 'stop', '--bandwidth-precopy', '100MiB', '--bandwidth-postcopy', '1Gbit'];
    await pageferry([...migrate, ...flags, ...more, '--keep-source', '--detach']);
    expect(agent().asked(MIGRATIONS)[0]?.body).toEqual({
      guest: 'web1',
      destination: { url: 'ws://10.0.0.2:7411', guest: 'web2' },
      mode: 'precopy',
      downtimeLimitMs: 50,
      timeLimitMs: 1_500,
      whenStalled: 'stop',
      bandwidthCaps: { precopy: 104_857_600, postcopy: 125_000_000 },
      sourceAfter: 'keep',
    });
  });

  test('with --dry-run is a comparison only', async () => {
    agent().on(MIGRATIONS, json({ fits: false, findings: misfit.findings, source: {}, destination: {} }));
    const { code, environment } = await pageferry([...migrate, '--dry-run']);
    expect(code).toBe(exitCodes.refused);
    expect(agent().asked(MIGRATIONS)[0]?.body).toMatchObject({ dryRun: true });
    expect(environment.written).toContain('web1 cannot be migrated to ws://10.0.0.2:7411\n');
    for (const finding of misfit.findings) expect(environment.written).toContain(`- ${finding}\n`);
  });

  test('is sent again, with the same key, if the connection breaks', async () => {
    agent().on(MIGRATIONS, (response) => response.destroy(), json(inPrecopy, 202));
    const { code } = await pageferry([...migrate, '--detach']);
    expect(code).toBe(exitCodes.done);
    const [first, second, ...more] = agent().asked(MIGRATIONS);
    expect(more).toEqual([]);
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  });
});

describe('the end', () => {
  test.each([
    ['completed', completed, exitCodes.done, /web1 runs on ws:\/\/10\.0\.0\.2:7411 .*downtime 42 ms/],
    ['cancelled', cancelled, exitCodes.cancelled, /web1 stays here: cancelled/],
    ['failed', failed, exitCodes.failed, /failed .*\n.*do not fit together \(on the destination\)/],
  ])('%s has its exit code and its summary', async (_state, last, expected, summary) => {
    agent()
      .on(MIGRATIONS, json(inPrecopy, 202))
      .on(
        EVENTS,
        events([
          ['progress', inPrecopy],
          ['end', last],
        ]),
      );
    const { code, environment } = await pageferry(migrate);
    expect(code).toBe(expected);
    expect(environment.written).toMatch(summary);
    expect(environment.written).not.toContain('\x1b');
  });

  test('with --json is one object, all that the agent said, alone on the standard output', async () => {
    // An event has only the iterations since the one before.
    const whole = { ...completed, iterationTable: [{ number: 1 }, { number: 2 }] };
    agent()
      .on(MIGRATIONS, json(inPrecopy, 202))
      .on(EVENTS, events([['end', completed]]))
      .on(ONE, json(whole));
    const { code, environment } = await pageferry([...migrate, '--json']);
    expect(code).toBe(exitCodes.done);
    expect(JSON.parse(environment.written)).toEqual(whole);
    expect(environment.complained).toContain('web1 runs on');
  });

  test('is found by asking an agent that has no events', async () => {
    agent().on(MIGRATIONS, json(inPrecopy, 202)).on(ONE, json(inPrecopy), json(completed));
    const { code } = await pageferry(migrate);
    expect(code).toBe(exitCodes.done);
    expect(agent().asked(EVENTS)).toHaveLength(1);
    expect(agent().asked(ONE)).toHaveLength(2);
  });

  test('is waited for when the events break off, after the last that arrived', async () => {
    agent()
      .on(MIGRATIONS, json(inPrecopy, 202))
      .on(ONE, json(inPrecopy))
      .on(
        EVENTS,
        events([
          ['state', inPrecopy],
          ['progress', inPrecopy],
        ]),
        events([['end', completed]]),
      );
    const { code } = await pageferry(migrate);
    expect(code).toBe(exitCodes.done);
    expect(
      agent()
        .asked(EVENTS)
        .map(({ headers }) => headers['last-event-id']),
    ).toEqual([undefined, '2']);
  });
});

test('a terminal has a view that redraws itself and leaves only the summary', async () => {
  agent()
    .on(MIGRATIONS, json(inPrecopy, 202))
    .on(
      EVENTS,
      events([
        ['progress', inPrecopy],
        ['end', completed],
      ]),
    );
  const { environment } = await pageferry(migrate, { isTerminal: true, variables: { NO_COLOR: '1' } });
  expect(environment.written).toContain('pre-copy, iteration 3\n');
  expect(environment.written).toContain('64.0 MiB remaining, 192 MiB sent\n');
  expect(environment.written).toContain('100 MiB/s, dirty rate 20.0 MiB/s\n');
  expect(environment.written).toContain('2.0 s, about 800 ms left\n');
  const [afterLastErasure] = environment.written.split('\x1b[J').slice(-1);
  expect(afterLastErasure).toMatch(/^web1 runs on [^\n]*\n$/);
});

test('a terminal that cannot be redrawn gets plain lines', async () => {
  agent()
    .on(MIGRATIONS, json(inPrecopy, 202))
    .on(EVENTS, events([['end', completed]]));
  const { environment } = await pageferry(migrate, { isTerminal: true, variables: { TERM: 'dumb' } });
  expect(environment.written).not.toContain('\x1b');
});
