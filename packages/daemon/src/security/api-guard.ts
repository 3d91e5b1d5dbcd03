import { isIP } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import { PageferryError, type Host } from '@pageferry/errors';
import type { HttpServer } from '../http-server.js';
import { PROBLEM_CONTENT_TYPE, problemOf } from '../problem.js';
import type { ApiToken } from './api-token.js';
import type { Reloaded } from './file-reloader.js';
import { LogLimit } from './log-limit.js';

/** Requests a second from one address: of those who may use the API, and of those who have yet to show that they may. */
export interface RequestRates {
  readonly admitted: number;
  readonly others: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of routes with nothing secret, as those of the page that asks for the token. */
    readonly needsNoToken?: boolean;
  }
}

export const REQUEST_RATES: RequestRates = { admitted: 1_000, others: 20 };

export interface ApiGuardOptions {
  readonly token: Reloaded<ApiToken> | undefined;
  readonly rates: RequestRates;
  readonly host: Host | undefined;
}

/** Answers whether the daemon lives: load balancers and service managers have no token. */
const OPEN_PATH = '/healthz';
/** Of what needs no token, by way of which none can be guessed: a page is some dozens of files. */
const OPEN_RATE = 200;
const WINDOW_MS = 1_000;

type RateLimiter = ReturnType<HttpServer['createRateLimit']>;

/** Lets requests in by their token and their rate, before anything else of them is looked at. */
export function guardApi(server: HttpServer, { token, rates, host }: ApiGuardOptions): void {
  void server.register(rateLimit, { global: false });
  let limiters: Record<keyof RequestRates | 'open', RateLimiter> | undefined;
  server.after(() => {
    const limiter = (max: number): RateLimiter => server.createRateLimit({ max, timeWindow: WINDOW_MS });
    limiters = {
      admitted: limiter(rates.admitted),
      others: limiter(rates.others),
      open: limiter(OPEN_RATE),
    };
  });
  const logLimit = new LogLimit();

  server.addHook('onRequest', async (request, reply) => {
    const admitted = token?.current.accepts(request.headers.authorization) ?? true;
    const { url, config } = request.routeOptions;
    const open = config.needsNoToken === true;
    const rate = await limiters?.[admitted ? 'admitted' : open ? 'open' : 'others'](request);
    if (rate?.isAllowed === false && rate.isExceeded) {
      const line = logLimit.next();
      const { ip } = request;
      if (line !== undefined)
        request.log.error({ ip, ...line }, 'requests are refused: too many come from one address');
      const error = new PageferryError(
        'too-many-requests',
        `more than ${rate.max} requests came from ${ip} within a second`,
        { host },
      );
      return reply
        .status(error.status)
        .header('retry-after', rate.ttlInSeconds)
        .type(PROBLEM_CONTENT_TYPE)
        .send(problemOf(error, { instance: request.url }));
    }
    if (token === undefined) refuseOtherNames(request.hostname);
    if (admitted || open || url === OPEN_PATH) return undefined;
    reply.header('www-authenticate', 'Bearer');
    throw new PageferryError(
      'unauthorized',
      request.headers.authorization === undefined
        ? 'this API asks for a token: send Authorization: Bearer TOKEN'
        : "the token is not one of this daemon's apiTokenFile",
    );
  });
}

/**
 * Without a token only the loopback is listened on, but a browser there takes any page's requests to a name that the page's
 * own name server resolves to it. To an address, or to this name, no other page can have its own requests sent.
 */
function refuseOtherNames(hostname: string): void {
  const name = hostname.replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || isIP(name) !== 0) return;
  throw new PageferryError(
    'request-invalid',
    `without a token this API answers at an address or at localhost, not at the name ${JSON.stringify(name)}`,
  );
}
