import { Value } from '@sinclair/typebox/value';
import { Agent, request as send, type Dispatcher } from 'undici';
import { bodyText } from './body-text.js';
import { neverArrived, unreachable } from './connection-errors.js';
import { parseJson } from './parse-answer.js';
import { ProblemError } from './problem-error.js';
import { Problem } from './schemas.js';

export interface HttpOptions {
  /** The agent's, without a slash at its end. */
  readonly url: string;
  readonly token: string | undefined;
  /** Certificates of authorities, PEM; the system's if not given. */
  readonly authorities: string | undefined;
}

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Until the answer begins, 2 min unless given. */
  readonly answerTimeoutMs?: number;
  /** Statuses that answer the request although they report a failure. */
  readonly accept?: readonly number[];
}

export interface TextAnswer {
  readonly status: number;
  readonly text: string;
}

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 120_000;
/** Between two parts of an answer; the events of a migration come oftener. */
const SILENCE_TIMEOUT_MS = 60_000;
const ATTEMPTS = 2;
/** Characters. */
const LARGEST_ANSWER = 64 * 1024 * 1024;

/** Requests to one agent. */
export class Http {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #agent: Agent;

  constructor({ url, token, authorities }: HttpOptions) {
    this.url = url;
    this.#token = token;
    this.#agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS, ...(authorities === undefined ? {} : { ca: authorities }) },
      bodyTimeout: SILENCE_TIMEOUT_MS,
    });
  }

  /** @throws ProblemError for what the agent refuses, `api-unreachable` for what does not reach it. */
  async text(path: string, request: Request = {}): Promise<TextAnswer> {
    const response = await this.open(path, request);
    return { status: response.statusCode, text: await this.#body(response, request.signal) };
  }

  /** The same, with the body still to be read. */
  async open(path: string, { accept = [], ...request }: Request = {}): Promise<Dispatcher.ResponseData> {
    const response = await this.#send(path, request);
    const { statusCode: status } = response;
    if ((status >= 200 && status < 300) || accept.includes(status)) return response;
    const problem = parseJson(await this.#body(response, request.signal));
    throw new ProblemError(
      Value.Check(Problem, problem) ? problem : strangeProblem(this.url, status),
      status,
    );
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /**
   * No redirection is followed: it would take the token to wherever it leads. Once more if the connection broke: the key of a request that starts something makes it safe.
   */
  async #send(path: string, request: Omit<Request, 'accept'>): Promise<Dispatcher.ResponseData> {
    const { method = 'GET', body, headers = {}, answerTimeoutMs = ANSWER_TIMEOUT_MS, signal } = request;
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(`${this.url}${path}`, {
          method,
          dispatcher: this.#agent,
          headersTimeout: answerTimeoutMs,
          headers: {
            accept: 'application/json',
            ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: signal ?? null,
        });
      } catch (error) {
        signal?.throwIfAborted();
        if (attempt >= ATTEMPTS || neverArrived(error)) throw unreachable(this.url, error);
      }
    }
  }

  async #body(response: Dispatcher.ResponseData, signal: AbortSignal | undefined): Promise<string> {
    let text = '';
    for await (const part of bodyText(response, this.url, signal)) {
      text += part;
      if (text.length > LARGEST_ANSWER) throw unreachable(this.url, new Error('its answer is too large'));
    }
    return text;
  }
}

/** For an answer that is no problem document: of a proxy, or of another program. */
function strangeProblem(url: string, status: number): Problem {
  return {
    type: 'about:blank',
    title: `HTTP status ${status}`,
    detail: `${url} answered with status ${status} and no explanation: is this the API of a pageferry agent?`,
  };
}
