import { randomUUID } from 'node:crypto';
import type { TSchema } from '@sinclair/typebox';
import { Gang } from './gang-schemas.js';
import type { Http, Request } from './http.js';
import { parseAnswer, type Answer } from './parse-answer.js';
import { Preparation, Preparations } from './preparation-schemas.js';
import { Anything, Guests, Inspection, Migration, MigrationPage, Preflight, Readiness } from './schemas.js';

export type MigrationAnswer = Answer<typeof Migration>;

export type GangAnswer = Answer<typeof Gang>;

export type PreparationAnswer = Answer<typeof Preparation>;

/** The body of `PATCH /v1/migrations/ID`; what is left out stays as it is. */
export interface MigrationChange {
  readonly downtimeLimitMs?: number;
  readonly timeLimitMs?: number;
  readonly whenStalled?: string;
  readonly bandwidthCaps?: { readonly precopy?: number; readonly postcopy?: number };
}

/** The body of `POST /v1/migrations`; what is left out is up to the agent. */
export interface MigrationRequest extends MigrationChange {
  readonly guest: string;
  readonly destination: { readonly url: string; readonly guest?: string };
  readonly mode?: string;
  readonly pageFilter?: { readonly free: boolean; readonly cache: boolean };
  readonly storage?: 'off';
  readonly sourceAfter?: 'quit' | 'keep';
}

/** The body of `POST /v1/gangs`; what is left out is up to the agent. */
export interface GangRequest extends Omit<MigrationRequest, 'guest' | 'destination' | 'bandwidthCaps'> {
  readonly guests: readonly string[] | 'all';
  readonly destination: { readonly url: string };
  readonly bandwidthCap?: number;
  readonly atOnce?: number;
  readonly whenOneFails?: string;
  readonly share?: boolean;
}

/** The body of `POST /v1/preparations`; what is left out is up to the agent. */
export interface PreparationRequest {
  readonly guests: readonly string[] | 'all';
  readonly processorShare?: number;
  readonly lifetimeSeconds?: number;
  readonly memoryBytes?: number;
}

export interface Filter {
  readonly state?: string;
  readonly guest?: string;
  readonly limit?: number;
}

const MIGRATIONS = '/v1/migrations';
const GANGS = '/v1/gangs';
const PREPARATIONS = '/v1/preparations';
const MOST_A_PAGE = 100;
/** The other host may have to start a QEMU: the most that `prepareSeconds` of an agent can be, and the way there and back. */
const PREFLIGHT_TIMEOUT_MS = 3_660_000;
const NOT_READY = 503;

/**
 * The source agent's API. Every method throws a ProblemError for what the agent refuses, `api-unreachable` for what does
 * not reach it, and `protocol-violation` for what no agent answers.
 */
export class ApiClient {
  readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  async migrate(request: MigrationRequest, signal?: AbortSignal): Promise<MigrationAnswer> {
    return this.#ask(Migration, MIGRATIONS, {
      method: 'POST',
      body: request,
      signal,
      headers: { 'idempotency-key': randomUUID() },
    });
  }

  async preflight(request: MigrationRequest): Promise<Answer<typeof Preflight>> {
    return this.#ask(Preflight, MIGRATIONS, {
      method: 'POST',
      body: { ...request, dryRun: true },
      answerTimeoutMs: PREFLIGHT_TIMEOUT_MS,
    });
  }

  async migration(id: string, signal?: AbortSignal): Promise<MigrationAnswer> {
    return this.#ask(Migration, pathOf(id), { signal });
  }

  /** The newest first. */
  async migrations({ state, guest, limit = MOST_A_PAGE }: Filter): Promise<MigrationAnswer[]> {
    const found: MigrationAnswer[] = [];
    let after: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(Math.min(limit - found.length, MOST_A_PAGE)) });
      if (state !== undefined) query.set('state', state);
      if (guest !== undefined) query.set('guest', guest);
      if (after !== undefined) query.set('after', after);
      const { value, whole } = await this.#ask(MigrationPage, `${MIGRATIONS}?${query.toString()}`);
      const wholes = listIn(whole);
      found.push(...value.migrations.map((one, index) => ({ value: one, whole: wholes[index] })));
      after = value.migrations.length === 0 ? undefined : (value.next ?? undefined);
    } while (after !== undefined && found.length < limit);
    return found.slice(0, limit);
  }

  /** The body only if there is something to say. */
  async steer(
    id: string,
    what: 'cancel' | 'switchover' | 'recover',
    body?: unknown,
  ): Promise<MigrationAnswer> {
    return this.#ask(Migration, `${pathOf(id)}/${what}`, { method: 'POST', body });
  }

  async change(id: string, change: MigrationChange): Promise<MigrationAnswer> {
    return this.#ask(Migration, pathOf(id), { method: 'PATCH', body: change });
  }

  async forget(id: string): Promise<void> {
    await this.http.text(pathOf(id), { method: 'DELETE' });
  }

  async moveTogether(request: GangRequest, signal?: AbortSignal): Promise<GangAnswer> {
    return this.#ask(Gang, GANGS, {
      method: 'POST',
      body: request,
      signal,
      headers: { 'idempotency-key': randomUUID() },
    });
  }

  async gang(id: string, signal?: AbortSignal): Promise<GangAnswer> {
    return this.#ask(Gang, gangPathOf(id), { signal });
  }

  async cancelGang(id: string): Promise<GangAnswer> {
    return this.#ask(Gang, `${gangPathOf(id)}/cancel`, { method: 'POST' });
  }

  async prepare(request: PreparationRequest, signal?: AbortSignal): Promise<PreparationAnswer> {
    return this.#ask(Preparation, PREPARATIONS, {
      method: 'POST',
      body: request,
      signal,
      headers: { 'idempotency-key': randomUUID() },
    });
  }

  async preparation(id: string, signal?: AbortSignal): Promise<PreparationAnswer> {
    return this.#ask(Preparation, preparationPathOf(id), { signal });
  }

  async preparations(): Promise<Answer<typeof Preparations>> {
    return this.#ask(Preparations, PREPARATIONS);
  }

  async endPreparation(id: string): Promise<void> {
    await this.http.text(preparationPathOf(id), { method: 'DELETE' });
  }

  async guests(): Promise<Answer<typeof Guests>> {
    return this.#ask(Guests, '/v1/guests');
  }

  async inspect(guest: string): Promise<Answer<typeof Inspection>> {
    return this.#ask(Inspection, `/v1/guests/${encodeURIComponent(guest)}/memory`);
  }

  async health(): Promise<Answer<typeof Anything>> {
    return this.#ask(Anything, '/healthz');
  }

  async readiness(): Promise<Answer<typeof Readiness>> {
    return this.#ask(Readiness, '/readyz', { accept: [NOT_READY] });
  }

  async close(): Promise<void> {
    await this.http.close();
  }

  async #ask<T extends TSchema>(schema: T, path: string, request: Request = {}): Promise<Answer<T>> {
    const { text } = await this.http.text(path, request);
    return parseAnswer(schema, text, `${this.http.url}${path}`);
  }
}

export function pathOf(id: string): string {
  return `${MIGRATIONS}/${encodeURIComponent(id)}`;
}

export function gangPathOf(id: string): string {
  return `${GANGS}/${encodeURIComponent(id)}`;
}

function preparationPathOf(id: string): string {
  return `${PREPARATIONS}/${encodeURIComponent(id)}`;
}

function listIn(whole: unknown): readonly unknown[] {
  const list: unknown =
    typeof whole === 'object' && whole !== null && 'migrations' in whole ? whole.migrations : undefined;
  return Array.isArray(list) ? list : [];
}
