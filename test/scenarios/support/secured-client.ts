import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import type { Agent } from '../../agents/agent.js';
import type { JsonRequest } from '../../agents/http-json.js';
import { bodyOf } from '../../agents/problem-error.js';
import { SourceClient } from '../../agents/source-client.js';

export interface SecuredClientOptions {
  /** Of the agent's API. */
  readonly authority: string;
  /** The name in its certificate. */
  readonly name: string;
  readonly token: string;
}

const timeoutMs = 20_000;

/** The API of a source agent that asks for TLS and a token. */
export class SecuredClient extends SourceClient {
  readonly #agent: Agent;
  readonly #options: SecuredClientOptions;

  constructor(agent: Agent, options: SecuredClientOptions) {
    super(() => agent.connect());
    this.#agent = agent;
    this.#options = options;
  }

  override async send({ method, path, body }: JsonRequest): Promise<unknown> {
    const { authority, name, token } = this.#options;
    const socket = connectTls({ socket: await this.#agent.connect(), ca: authority, servername: name });
    await once(socket, 'secureConnect');
    const request = httpsRequest({
      createConnection: () => socket,
      method,
      path,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    const responded = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const response = await responded;
    const answer: unknown = await json(response);
    socket.destroy();
    const { statusCode: status = 0, headers } = response;
    return bodyOf({
      status,
      contentType: headers['content-type'] ?? '',
      location: headers.location,
      body: answer,
    });
  }
}
