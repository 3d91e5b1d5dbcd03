import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PageferryError, type Host } from '@pageferry/errors';
import type { ConnectionError, FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_CONTENT_TYPE, problemOf } from './problem.js';

/** What fastify refuses by itself, and what the client can do about it. */
const refusals: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be application/json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty, but announced as application/json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body has another length than announced',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not JSON',
};

/** Answers a request with the problem document of whatever its handler threw, and logs it. */
export function sendProblem(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  host: Host | undefined,
): void {
  const { error, status } = explain(thrown, request);
  const located = host === undefined ? error : error.on(host);
  const problem = problemOf(located, { instance: request.url, status });
  const record = { method: request.method, url: request.url, status, code: error.code };
  if (status >= 500) request.log.error({ ...record, err: thrown }, located.message);
  else request.log.error(record, located.message);
  void reply.status(status).type(PROBLEM_CONTENT_TYPE).send(problem);
}

/** Answers a client that broke HTTP itself, so that there is no request to reply to. */
export function sendConnectionProblem(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = connectionStatus(error.code);
  const body = JSON.stringify(problemOf(new PageferryError('request-invalid', detail), { status }));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

function connectionStatus(code: string): [status: number, detail: string] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'The request did not arrive in time'];
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'The headers are too large'];
    default:
      return [400, 'What arrived is not HTTP'];
  }
}

function explain(thrown: unknown, request: FastifyRequest): { error: PageferryError; status: number } {
  if (thrown instanceof PageferryError) return { error: thrown, status: thrown.status };
  const status = clientErrorStatus(thrown);
  if (status !== undefined && thrown instanceof Error) {
    const refusal = 'code' in thrown ? refusals[String(thrown.code)] : undefined;
    return {
      error: new PageferryError('request-invalid', refusal ?? thrown.message, { cause: thrown }),
      status,
    };
  }
  const detail = `The daemon's log says more, under request ${request.id}`;
  const error = new PageferryError('internal', detail, { cause: thrown });
  return { error, status: error.status };
}

function clientErrorStatus(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return undefined;
  const { statusCode } = thrown;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}
