import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { startAgents, type Agents, type AgentsOptions } from '../../agents/agents.js';

/** Starts both daemons for all tests of a file; the guests of a test end with it. */
export function useAgents(options?: AgentsOptions): () => Agents {
  let agents: Agents | undefined;
  let testBegun = '';
  const started = (): Agents => {
    if (agents === undefined) throw new Error('the agents are started before the first test');
    return agents;
  };

  beforeAll(async () => {
    agents = await startAgents(options);
  });
  beforeEach(() => {
    testBegun = new Date().toISOString();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await showLogs(started(), testBegun);
    await Promise.all([started().source.killGuests(), started().destination.killGuests()]);
  });
  afterAll(async () => {
    await agents?.close();
  });
  return started;
}

/** What the daemons have logged since a time, in the format of their own lines. */
async function showLogs({ sourceAgent, destinationAgent }: Agents, since: string): Promise<void> {
  for (const agent of [sourceAgent, destinationAgent]) {
    const lines = await agent.logLines();
    console.log(`${agent.logFile}:`);
    for (const line of lines.filter(({ time }) => String(time) >= since)) console.log(JSON.stringify(line));
  }
}
