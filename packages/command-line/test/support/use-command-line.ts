import { afterEach, beforeEach } from 'vitest';
import type { ExitCode } from '../../src/exit-codes.js';
import { runCommandLine } from '../../src/run.js';
import { FakeAgent } from './fake-agent.js';
import { TestEnvironment, type TestEnvironmentOptions } from './test-environment.js';

export interface Outcome {
  readonly code: ExitCode;
  readonly environment: TestEnvironment;
}

export interface CommandLine {
  readonly agent: () => FakeAgent;
  /** Runs the command against the fake agent. */
  readonly pageferry: (args: readonly string[], options?: TestEnvironmentOptions) => Promise<Outcome>;
  /** The same in an environment that the test goes on to use meanwhile. */
  readonly runIn: (environment: TestEnvironment, args: readonly string[]) => Promise<ExitCode>;
}

/** A fake agent for each test of a file, and the command that talks to it. */
export function useCommandLine(): CommandLine {
  let started: FakeAgent | undefined;
  const agent = (): FakeAgent => {
    if (started === undefined) throw new Error('the agent is started before each test');
    return started;
  };
  beforeEach(async () => {
    started = await FakeAgent.start();
  });
  afterEach(async () => {
    await agent().close();
  });
  const runIn: CommandLine['runIn'] = (environment, args) =>
    runCommandLine([...args, '--api', agent().url], environment);
  return {
    agent,
    runIn,
    pageferry: async (args, options) => {
      const environment = new TestEnvironment(options);
      return { code: await runIn(environment, args), environment };
    },
  };
}
