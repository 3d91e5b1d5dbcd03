import type { IncomingMessage, ServerResponse } from 'node:http';
import { PageferryError, type Host } from '@pageferry/errors';
import { LogController, fastify, type FastifyInstance, type RawServerDefault } from 'fastify';
import { sendConnectionProblem, sendProblem } from './http-errors.js';
import { compileValidator, refuseOpenBody, type TypeBoxTypeProvider } from './http-schema.js';
import type { Logger } from './log.js';
import { REQUEST_RATES, guardApi, type RequestRates } from './security/api-guard.js';
import type { ApiAccess } from './security/api-security.js';
import { createApiServer } from './security/api-server.js';

/** A fastify server whose routes are declared with TypeBox schemas. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  Logger,
  TypeBoxTypeProvider
>;

export interface HttpServerOptions {
  readonly log: Logger;
  /** The side that problem documents name, where the error does not already name one. */
  readonly host?: Host;
  /** Bytes. */
  readonly bodyLimit?: number;
  /** Time, ms, within which a request must have arrived as a whole. */
  readonly requestTimeoutMs?: number;
  /** TLS, and the tokens to ask for; neither if not given. */
  readonly access?: ApiAccess;
  readonly requestRates?: RequestRates;
}

const KEEP_ALIVE_MS = 72_000;

/**
 * A server without routes that answers every error with a problem document: those of the handlers, requests
 * that do not fit their schema (unknown keys of a body included), unknown addresses, and what is not
 * even HTTP. Failed requests are logged at level `error`, others at `debug`. Without a right token nothing is answered but
 * `/healthz`, and for routes that say `needsNoToken`.
 */
export function createHttpServer({
  log,
  host,
  bodyLimit = 64 * 1024,
  requestTimeoutMs = 10_000,
  access: { tls, token } = {},
  requestRates = REQUEST_RATES,
}: HttpServerOptions): HttpServer {
  const server = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    bodyLimit,
    serverFactory: (handler) =>
      createApiServer(
        handler,
        {
          requestTimeout: requestTimeoutMs,
          // Node exchanges the two timeouts where that of the headers, 60 s by default, is the longer one.
          headersTimeout: requestTimeoutMs,
          // Node looks for late requests only this often, by default every 30 s.
          connectionsCheckingInterval: Math.ceil(requestTimeoutMs / 4),
          keepAliveTimeout: KEEP_ALIVE_MS,
        },
        tls,
      ),
    clientErrorHandler: sendConnectionProblem,
    frameworkErrors: (error, request, reply) => {
      sendProblem(error, request, reply, host);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  guardApi(server, { token, rates: requestRates, host });
  server.setValidatorCompiler(compileValidator);
  // fastify's own would compile checks of an answer when it is first sent: 0.3 s in which a migration has begun.
  server.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  server.setErrorHandler((error, request, reply) => {
    sendProblem(error, request, reply, host);
  });
  server.setNotFoundHandler((request, reply) => {
    const error = new PageferryError('route-not-found', `There is no ${request.method} ${request.url}`);
    sendProblem(error, request, reply, host);
  });
  server.addHook('onRoute', ({ url, schema }) => {
    refuseOpenBody(url, schema?.body);
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { method, url } = request;
    request.log.debug({ method, url, status: reply.statusCode, ms: reply.elapsedTime }, 'request answered');
    done();
  });
  return server;
}
