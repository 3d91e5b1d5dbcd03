import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import type { HttpServer } from '../../src/index.js';

/** Of the document that is committed for this agent. */
export function committedPath(agent: 'source' | 'destination'): string {
  return fileURLToPath(new URL(`../../../../docs/openapi/${agent}.json`, import.meta.url));
}

/** What the server serves, as the repository's formatter writes it. */
export async function servedDocument(server: HttpServer, path: string): Promise<string> {
  const response = await server.inject('/openapi.json');
  return format(response.body, { ...(await resolveConfig(path)), parser: 'json' });
}
