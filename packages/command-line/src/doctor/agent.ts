import type { ApiClient } from '../api/client.js';
import { ProblemError } from '../api/problem-error.js';
import { problemOf } from '../view/problem-lines.js';
import type { Finding } from './finding.js';

const API = "the agent's API";

/** Whether the agent answers, and what it lacks by its own word. */
export async function checkAgent(client: ApiClient): Promise<Finding[]> {
  try {
    await client.health();
  } catch (error) {
    const { title, detail = title } = problemOf(error);
    const fix = 'start the agent (systemctl start pageferry-source-agent), or name its API with --api';
    return [{ name: API, ok: false, detail, fix }];
  }
  const reached = { name: API, ok: true, detail: `${client.http.url} answers` };
  try {
    const { ready, checks } = (await client.readiness()).value;
    const findings = checks.map(({ name, ok, detail = '' }) => ({ name: `agent: ${name}`, ok, detail }));
    const unexplained = !ready && checks.every(({ ok }) => ok);
    return [
      reached,
      ...findings,
      ...(unexplained
        ? [{ name: 'agent: ready', ok: false, detail: 'it is not ready, and names no reason' }]
        : []),
    ];
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return [reached];
    const { title, detail = title } = problemOf(error);
    return [reached, { name: 'agent: ready', ok: false, detail }];
  }
}
