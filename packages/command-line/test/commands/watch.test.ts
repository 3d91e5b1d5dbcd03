import { describe, expect, test, vi } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { events, json, type Reply } from '../support/fake-agent.js';
import { cancelled, completed, inPrecopy } from '../support/recorded-migration.js';
import { TestEnvironment } from '../support/test-environment.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, runIn } = useCommandLine();

const CANCEL = `POST /v1/migrations/${inPrecopy.id}/cancel`;
const EVENTS = `GET /v1/migrations/${inPrecopy.id}/events`;
const watch = ['watch', inPrecopy.id];
const question = /Detach.*cancel/;

/** A migration that goes on until `finish` sends its last event. */
function lasting(): { readonly reply: Reply; finish: (last: unknown) => void } {
  let end: (last: unknown) => void = () => undefined;
  return {
    reply: (response, received) => {
      events([['progress', inPrecopy]], false)(response, received);
      end = (last) => response.end(`event: end\ndata: ${JSON.stringify(last)}\n\n`);
    },
    finish: (last) => {
      end(last);
    },
  };
}

async function untilShown(environment: TestEnvironment, what: RegExp): Promise<void> {
  await vi.waitFor(() => {
    expect(environment.written).toMatch(what);
  });
}

describe('Ctrl-C where nobody can answer', () => {
  test('detaches, and names the migration', async () => {
    agent().on(EVENTS, lasting().reply);
    const environment = new TestEnvironment();
    const running = runIn(environment, watch);
    await untilShown(environment, /active/);
    environment.interrupt();
    expect(await running).toBe(exitCodes.detached);
    expect(environment.written).toContain(`pageferry watch ${inPrecopy.id}`);
    expect(agent().asked(CANCEL)).toEqual([]);
  });

  test('with --json still prints the migration as it was last', async () => {
    agent().on(EVENTS, lasting().reply);
    const environment = new TestEnvironment();
    const running = runIn(environment, [...watch, '--json']);
    await vi.waitFor(() => {
      expect(environment.complained).toContain('active');
    });
    environment.interrupt();
    expect(await running).toBe(exitCodes.detached);
    expect(environment.lastJson).toEqual(inPrecopy);
  });
});

describe('Ctrl-C on a terminal asks, and', () => {
  async function asked(migration = lasting()) {
    agent().on(EVENTS, migration.reply);
    const environment = new TestEnvironment({ isTerminal: true });
    const running = runIn(environment, watch);
    await untilShown(environment, /pre-copy/);
    environment.interrupt();
    await untilShown(environment, question);
    return { environment, running };
  }

  test.each([
    ['d', 'd'],
    ['a second Ctrl-C', '\x03'],
    ['the end of the input', '\x04'],
  ])('%s detaches', async (_what, key) => {
    const { environment, running } = await asked();
    environment.type(key);
    expect(await running).toBe(exitCodes.detached);
    expect(agent().asked(CANCEL)).toEqual([]);
    expect(environment.isListenedTo).toBe(false);
  });

  test('a second interruption by a signal detaches', async () => {
    const { environment, running } = await asked();
    environment.interrupt();
    expect(await running).toBe(exitCodes.detached);
  });

  test('c cancels, and waits for the end', async () => {
    const migration = lasting();
    agent().on(CANCEL, (response, received) => {
      json(inPrecopy, 202)(response, received);
      migration.finish(cancelled);
    });
    const { environment, running } = await asked(migration);
    environment.type('c');
    expect(await running).toBe(exitCodes.cancelled);
  });

  test('a refused cancel is shown, and the migration watched on', async () => {
    const migration = lasting();
    const problem = {
      type: 'urn:pageferry:error:migration-state',
      title: 'The migration is not in a state that allows this',
      status: 409,
      detail: 'the guest has been handed over',
    };
    agent().on(CANCEL, json(problem, 409));
    const { environment, running } = await asked(migration);
    environment.type('c');
    await untilShown(environment, /handed over/);
    migration.finish(completed);
    expect(await running).toBe(exitCodes.done);
  });

  test('Enter watches on', async () => {
    const migration = lasting();
    const { environment, running } = await asked(migration);
    environment.type('x');
    environment.type('\r');
    migration.finish(completed);
    expect(await running).toBe(exitCodes.done);
  });

  test('the end of the migration takes the question away', async () => {
    const migration = lasting();
    const { environment, running } = await asked(migration);
    migration.finish(completed);
    expect(await running).toBe(exitCodes.done);
    expect(environment.written.split('\x1b[J').at(-1)).not.toMatch(question);
    expect(environment.isListenedTo).toBe(false);
  });
});

test('a migration that is not there is refused, events or not', async () => {
  const environment = new TestEnvironment();
  expect(await runIn(environment, ['watch', 'nothing'])).toBe(exitCodes.refused);
});
