import { describe, expect, test, vi } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { events, json, type Reply } from '../support/fake-agent.js';
import { cancelled, inPrecopy } from '../support/recorded-migration.js';
import { TestEnvironment, type TestEnvironmentOptions } from '../support/test-environment.js';
import { useCommandLine } from '../support/use-command-line.js';

// Ctrl-C between the request for a migration and the agent's answer, when nobody knows what has been started.

const { agent, runIn } = useCommandLine();

const MIGRATIONS = 'POST /v1/migrations';
const EVENTS = `GET /v1/migrations/${inPrecopy.id}/events`;
const CANCEL = `POST /v1/migrations/${inPrecopy.id}/cancel`;
const migrate = ['migrate', 'web1', '--to', 'ws://10.0.0.2:7411'];

/** The request has arrived, is not answered until `answer`, and Ctrl-C was pressed. */
async function interruptedRequest(args: readonly string[], options?: TestEnvironmentOptions) {
  let answer: () => void = () => undefined;
  const reply: Reply = (response, received) => {
    answer = () => {
      json(inPrecopy, 202)(response, received);
    };
  };
  agent().on(MIGRATIONS, reply);
  const environment = new TestEnvironment(options);
  const running = runIn(environment, args);
  await vi.waitFor(() => {
    expect(agent().asked(MIGRATIONS)).toHaveLength(1);
  });
  environment.interrupt();
  expect(environment.complained).toContain('waiting for the agent to say what it has started');
  return {
    environment,
    running,
    answer: () => {
      answer();
    },
  };
}

describe('waits for the answer, and', () => {
  test('in a pipe detaches, and names what was started', async () => {
    agent().on(EVENTS, events([['progress', inPrecopy]], false));
    const { environment, running, answer } = await interruptedRequest(migrate);
    answer();
    expect(await running).toBe(exitCodes.detached);
    expect(environment.written).toContain(`migration ${inPrecopy.id}\n`);
    expect(environment.written).toContain(`pageferry watch ${inPrecopy.id}`);
    expect(environment.isListenedTo).toBe(false);
  });

  test('on a terminal asks whether to cancel it', async () => {
    let finish: () => void = () => undefined;
    agent()
      .on(EVENTS, (response, received) => {
        events([['progress', inPrecopy]], false)(response, received);
        finish = () => response.end(`event: end\ndata: ${JSON.stringify(cancelled)}\n\n`);
      })
      .on(CANCEL, (response, received) => {
        json(inPrecopy, 202)(response, received);
        finish();
      });
    const { environment, running, answer } = await interruptedRequest(migrate, { isTerminal: true });
    answer();
    await vi.waitFor(() => {
      expect(environment.written).toMatch(/pre-copy[^]*Detach.*cancel/);
    });
    environment.type('c');
    expect(await running).toBe(exitCodes.cancelled);
  });

  test('with --detach prints the id', async () => {
    const { environment, running, answer } = await interruptedRequest([...migrate, '--detach']);
    answer();
    expect(await running).toBe(exitCodes.detached);
    expect(environment.written).toBe(`${inPrecopy.id}\n`);
  });
});

test.each([[[]], [['--json']]])(
  'the second time with %j does not wait, and says how to find it',
  async (flags) => {
    const { environment, running } = await interruptedRequest([...migrate, ...flags]);
    environment.interrupt();
    expect(await running).toBe(exitCodes.detached);
    expect(environment.complained).toContain('pageferry list --guest web1');
    if (flags.length > 0)
      expect(environment.lastJson).toMatchObject({ type: 'urn:pageferry:error:api-unreachable' });
  },
);
