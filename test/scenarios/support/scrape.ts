import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Agent } from '../../agents/agent.js';

const timeoutMs = 20_000;

/** What Prometheus would get from an agent. */
export async function scrape(agent: Agent): Promise<string> {
  const socket = await agent.connect();
  const request = httpRequest({
    createConnection: () => socket,
    path: '/metrics',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const responded = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  request.end();
  const body = await text(await responded);
  socket.destroy();
  return body;
}

/** The names of all series that there can be, also of those that there are only during a migration. */
export function seriesNames(scraped: string): string[] {
  return [...scraped.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
}
