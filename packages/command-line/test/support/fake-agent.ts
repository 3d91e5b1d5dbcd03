import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export type Reply = (response: ServerResponse, received: Received) => void;

export const json =
  (value: unknown, status = 200): Reply =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };

/** Server-sent events; the connection is left open unless `end`. */
export const events =
  (sent: readonly (readonly [event: string, data: unknown])[], end = true): Reply =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    sent.forEach(([event, data], index) => {
      response.write(`id: ${index + 1}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    });
    if (end) response.end();
  };

const nothingThere = json(
  { type: 'urn:pageferry:error:route-not-found', title: 'There is nothing at this address', status: 404 },
  404,
);

/** Serves what a test wants on a real socket; a route's replies are given one after the other, the last again and again. */
export class FakeAgent {
  readonly received: Received[] = [];
  readonly #server: Server;
  readonly #routes = new Map<string, Reply[]>();

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  static async start(): Promise<FakeAgent> {
    const agent = new FakeAgent();
    agent.#server.listen(0, '127.0.0.1');
    await once(agent.#server, 'listening');
    return agent;
  }

  get url(): string {
    return `http://127.0.0.1:${addressOf(this.#server).port}`;
  }

  /** @param route method and path, without the query */
  on(route: string, ...replies: Reply[]): this {
    this.#routes.set(route, replies);
    return this;
  }

  /** What was asked at a route. */
  asked(route: string): Received[] {
    return this.received.filter(({ method, path }) => `${method} ${path.split('?')[0] ?? ''}` === route);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const received = { method, path, headers, body };
    this.received.push(received);
    const replies = this.#routes.get(`${method} ${path.split('?')[0] ?? ''}`) ?? [nothingThere];
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    reply?.(response, received);
  }
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fake agent does not listen');
  return address;
}
