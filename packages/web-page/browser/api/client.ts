import type { Reader } from './fields.js';
import {
  guests,
  migration,
  migrationPage,
  type Guest,
  type Migration,
  type MigrationPage,
} from './migration.js';
import { Refused, problem } from './problem.js';
import type { TokenStore } from './token.js';

const API = 'v1/';
const PAGE_SIZE = 20;
const TIMEOUT_MS = 10_000;

/** What can be asked of a migration that is under way. */
export type Steer = 'cancel' | 'switchover' | 'recover';

/** The agent's HTTP API. Addresses are relative to the page, which may lie behind a proxy's path. */
export class ApiClient {
  readonly #tokens: Pick<TokenStore, 'token'>;

  constructor(tokens: Pick<TokenStore, 'token'>) {
    this.#tokens = tokens;
  }

  migrations(after: string | undefined, signal?: AbortSignal): Promise<MigrationPage> {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(after !== undefined && { after }) });
    return this.#ask(migrationPage, `migrations?${query.toString()}`, signal);
  }

  migration(id: string, signal: AbortSignal): Promise<Migration> {
    return this.#ask(migration, pathOf(id), signal);
  }

  guests(signal: AbortSignal): Promise<readonly Guest[]> {
    return this.#ask(guests, 'guests', signal);
  }

  steer(id: string, what: Steer, body: object | undefined): Promise<Migration> {
    return this.#ask(migration, `${pathOf(id)}/${what}`, undefined, {
      method: 'POST',
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
  }

  /** The stream of a migration's events; undefined if there are none after the last one. */
  async events(
    id: string,
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array> | undefined> {
    const response = await this.#fetch(`${pathOf(id)}/events`, signal, {
      headers: {
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
    });
    return response.status === 204 || response.body === null ? undefined : response.body;
  }

  async #ask<T>(
    read: Reader<T>,
    path: string,
    signal: AbortSignal | undefined,
    init: RequestInit = {},
  ): Promise<T> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const bounded = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    const response = await this.#fetch(path, bounded, init);
    return read(await response.json());
  }

  /** Error: {@link Refused}, when the agent answers that it will not; others when it does not answer. */
  async #fetch(path: string, signal: AbortSignal, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    const { token } = this.#tokens;
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    const response = await fetch(`${API}${path}`, {
      ...init,
      headers,
      signal,
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
    });
    if (response.ok) return response;
    throw await refusal(response);
  }
}

const pathOf = (id: string): string => `migrations/${encodeURIComponent(id)}`;

/** Also of an answer that is not the agent's own, as a proxy's. */
async function refusal(response: Response): Promise<Refused> {
  const { status, statusText } = response;
  try {
    return new Refused(status, problem(await response.json()));
  } catch {
    const title = `HTTP ${status} ${statusText}`.trim();
    return new Refused(status, {
      type: 'about:blank',
      title,
      detail: undefined,
      host: undefined,
      findings: [],
    });
  }
}
