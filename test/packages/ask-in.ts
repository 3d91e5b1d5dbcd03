import { fieldsOf, type Fields } from '../environment/values.js';
import type { Container } from './container.js';

const script = `
  const [url, body] = process.argv.slice(1);
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, body === undefined ? {} : { method: 'POST', headers, body });
  console.log(await answer.text());
`;

/** Asks an agent's API from its own host, with the runtime that the packages bring. */
export async function askIn(container: Container, url: string, body?: unknown): Promise<Fields> {
  const args = body === undefined ? [url] : [url, JSON.stringify(body)];
  const node = '/usr/lib/pageferry/bin/node';
  return fieldsOf(JSON.parse(await container.run(node, '--input-type=module', '--eval', script, ...args)));
}
