import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { text as textOf } from 'node:stream/consumers';

/** Bodies are JSON, both ways. */
export interface JsonRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

export interface JsonResponse {
  readonly status: number;
  readonly contentType: string;
  readonly location: string | undefined;
  readonly body: unknown;
}

const timeoutMs = 20_000;

/** One HTTP exchange over a connection of its own. */
export async function exchange(socket: Socket, { method, path, body }: JsonRequest): Promise<JsonResponse> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const request = httpRequest({
    createConnection: () => socket,
    method,
    path,
    headers: text === undefined ? {} : { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(timeoutMs),
  });
  const responded = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  request.end(text);
  const response = await responded;
  const received = await textOf(response);
  const answer: unknown = received === '' ? undefined : JSON.parse(received);
  socket.destroy();
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers['content-type'] ?? '',
    location: response.headers.location,
    body: answer,
  };
}
