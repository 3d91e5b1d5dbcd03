import { describe, expect, test, vi } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { events, json, type Reply } from '../support/fake-agent.js';
import { allMoved, givenUp, oneFailed, underway } from '../support/recorded-gang.js';
import { TestEnvironment } from '../support/test-environment.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry, runIn } = useCommandLine();

const GANGS = 'POST /v1/gangs';
const ONE = `GET /v1/gangs/${underway.id}`;
const EVENTS = `${ONE}/events`;
const CANCEL = `POST /v1/gangs/${underway.id}/cancel`;
const evacuate = ['evacuate', 'web1', 'web2', 'db1', '--to', 'ws://10.0.0.2:7411'];

describe('what is asked for', () => {
  test('leaves to the agent what is not said', async () => {
    agent().on(GANGS, json(underway, 202));
    const { code, environment } = await pageferry([...evacuate, '--detach']);
    expect(code).toBe(exitCodes.done);
    expect(environment.written).toBe(`${underway.id}\n`);
    const [request] = agent().asked(GANGS);
    expect(request?.body).toEqual({
      guests: ['web1', 'web2', 'db1'],
      destination: { url: 'ws://10.0.0.2:7411' },
    });
    expect(request?.headers['idempotency-key']).toMatch(/^[\x21-\x7e]{1,255}$/);
  });

  test('is all that the flags say, in the units of the API', async () => {
    agent().on(GANGS, json(underway, 202));
    const flags = ['--mode', 'precopy', '--downtime-limit', '50', '--time-limit', '1.5', '--page-filter'];
    const more = [
      'none',
      '--when-stalled',
      'stop',
      '--bandwidth',
      '1Gbit',
      '--at-once',
      '3',
      '--keep-source',
    ];
    const last = ['--when-one-fails', 'stop', '--no-share', '--detach'];
    await pageferry(['evacuate', '--all', '--to', 'ws://10.0.0.2:7411', ...flags, ...more, ...last]);
    expect(agent().asked(GANGS)[0]?.body).toEqual({
      guests: 'all',
      destination: { url: 'ws://10.0.0.2:7411' },
      mode: 'precopy',
      downtimeLimitMs: 50,
      timeLimitMs: 1_500,
      whenStalled: 'stop',
      pageFilter: { free: false, cache: false },
      sourceAfter: 'keep',
      bandwidthCap: 125_000_000,
      atOnce: 3,
      whenOneFails: 'stop',
      share: false,
    });
  });

  test.each([
    ['no guest and no --all', ['evacuate', '--to', 'ws://10.0.0.2:7411'], 'say --all'],
    ['guests and --all', [...evacuate, '--all'], '--all: either this or the names'],
  ])('is nothing with %s', async (_what, args, said) => {
    const { code, environment } = await pageferry(args);
    expect(code).toBe(exitCodes.usage);
    expect(environment.complained).toContain(said);
    expect(agent().received).toEqual([]);
  });
});

describe('the end', () => {
  test.each([
    ['completed', allMoved, exitCodes.done, /3 of 3 guests run on ws:\/\/10\.0\.0\.2:7411 after 5\.0 s/],
    ['cancelled', givenUp, exitCodes.cancelled, /1 of 3 guests runs on [^\n]*: cancelled[^]*db1: not begun/],
    ['failed', oneFailed, exitCodes.failed, /1 of 3 [^\n]*\n {2}web2: failed\n.*do not fit together/],
  ])('%s has its exit code and its summary', async (_state, last, expected, summary) => {
    agent()
      .on(GANGS, json(underway, 202))
      .on(
        EVENTS,
        events([
          ['progress', underway],
          ['end', last],
        ]),
      );
    const { code, environment } = await pageferry(evacuate);
    expect(code).toBe(expected);
    expect(environment.written).toMatch(summary);
    expect(environment.written).toContain('192 MiB sent, 100 MiB not sent twice, longest downtime 42 ms\n');
    expect(environment.written).not.toContain('\x1b');
  });

  test('with --json is one object, all that the agent said, alone on the standard output', async () => {
    agent()
      .on(GANGS, json(underway, 202))
      .on(EVENTS, events([['end', allMoved]]));
    const { code, environment } = await pageferry([...evacuate, '--json']);
    expect(code).toBe(exitCodes.done);
    expect(JSON.parse(environment.written)).toEqual(allMoved);
    expect(environment.complained).toContain(`gang ${underway.id}\n`);
  });

  test('is found by asking when the events cannot be had', async () => {
    agent().on(GANGS, json(underway, 202)).on(ONE, json(underway), json(allMoved));
    expect((await pageferry(evacuate)).code).toBe(exitCodes.done);
    expect(agent().asked(ONE)).toHaveLength(2);
  });
});

test('a terminal has a table that redraws itself and leaves only the summary', async () => {
  agent()
    .on(GANGS, json(underway, 202))
    .on(
      EVENTS,
      events([
        ['progress', underway],
        ['end', allMoved],
      ]),
    );
  const { environment } = await pageferry(evacuate, { isTerminal: true, variables: { NO_COLOR: '1' } });
  expect(environment.written).toMatch(/web2 +pre-copy +75% +64\.0 MiB +64\.0 MiB +-\n/);
  const [afterLastErasure] = environment.written.split('\x1b[J').slice(-1);
  expect(afterLastErasure).toMatch(/^3 of 3 guests run [^\n]*\n$/);
});

/** A gang that goes on until `finish` sends its last event. */
function lasting(): { readonly reply: Reply; finish: (last: unknown) => void } {
  let end: (last: unknown) => void = () => undefined;
  return {
    reply: (response, received) => {
      events([['progress', underway]], false)(response, received);
      end = (last) => response.end(`event: end\ndata: ${JSON.stringify(last)}\n\n`);
    },
    finish: (last) => {
      end(last);
    },
  };
}

describe('Ctrl-C', () => {
  test('where nobody can answer detaches, and names the gang', async () => {
    agent().on(GANGS, json(underway, 202)).on(EVENTS, lasting().reply);
    const environment = new TestEnvironment();
    const running = runIn(environment, evacuate);
    await vi.waitFor(() => {
      expect(environment.written).toContain('web2: pre-copy');
    });
    environment.interrupt();
    expect(await running).toBe(exitCodes.detached);
    expect(environment.written).toContain(`pageferry watch ${underway.id}`);
    expect(agent().asked(CANCEL)).toEqual([]);
  });

  test('on a terminal asks, and c cancels the gang', async () => {
    const gang = lasting();
    agent()
      .on(GANGS, json(underway, 202))
      .on(EVENTS, gang.reply)
      .on(CANCEL, (response, received) => {
        json(underway, 202)(response, received);
        gang.finish(givenUp);
      });
    const environment = new TestEnvironment({ isTerminal: true });
    const running = runIn(environment, evacuate);
    await vi.waitFor(() => {
      expect(environment.written).toContain('pre-copy');
    });
    environment.interrupt();
    expect(environment.written).toMatch(/let the guests move on \(d\), cancel/);
    environment.type('c');
    expect(await running).toBe(exitCodes.cancelled);
    expect(environment.isListenedTo).toBe(false);
  });

  test('twice before the answer does not wait for it, and says how to find what moves', async () => {
    agent().on(GANGS, () => undefined);
    const environment = new TestEnvironment();
    const running = runIn(environment, evacuate);
    await vi.waitFor(() => {
      expect(agent().asked(GANGS)).toHaveLength(1);
    });
    environment.interrupt();
    environment.interrupt();
    expect(await running).toBe(exitCodes.detached);
    expect(environment.complained).toContain('pageferry list');
  });
});
