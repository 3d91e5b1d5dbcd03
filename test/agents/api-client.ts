import type { Socket } from 'node:net';
import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { exchange, type JsonRequest } from './http-json.js';
import { checked } from './migration.js';
import { bodyOf } from './problem-error.js';

/** What the APIs of both agents have in common. */
export class ApiClient<T extends TSchema> {
  readonly #connect: () => Promise<Socket>;
  readonly #migration: T;

  /** @param migration what the API says about one migration */
  constructor(connect: () => Promise<Socket>, migration: T) {
    this.#connect = connect;
    this.#migration = migration;
  }

  /** What each of them says beside its id depends on the agent. */
  async list(): Promise<{ readonly id: string }[]> {
    const { migrations } = checked(
      Type.Object({ migrations: Type.Array(Type.Object({ id: Type.String() })) }),
      await this.send({ method: 'GET', path: '/v1/migrations' }),
    );
    return migrations;
  }

  async get(id: string): Promise<Static<T>> {
    return this.migration({ method: 'GET', path: `/v1/migrations/${id}` });
  }

  /** Whether the agent says that it is well. */
  async health(): Promise<string> {
    const answer = await this.send({ method: 'GET', path: '/healthz' });
    return checked(Type.Object({ status: Type.String() }), answer).status;
  }

  /** The answer to any request. Error: {@link ProblemError}. */
  async send(request: JsonRequest): Promise<unknown> {
    return bodyOf(await exchange(await this.#connect(), request));
  }

  protected async migration(request: JsonRequest): Promise<Static<T>> {
    return checked(this.#migration, await this.send(request));
  }
}
