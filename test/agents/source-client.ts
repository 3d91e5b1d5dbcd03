import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import { ApiClient } from './api-client.js';
import { Gang, type GangRequest } from './gang.js';
import { DiskReport, Migration, checked, finalStates, nullable, type Mode, type State } from './migration.js';
import { Preparation, type PreparationRequest } from './preparation.js';

/** Between two looks at a migration: each of them takes the agent and the tests some of the processors. */
const pollMs = 50;

/** Bytes a second; 0 for no limit. */
export interface BandwidthCaps {
  readonly precopy?: number;
  readonly postcopy?: number;
}

export interface MigrationRequest {
  readonly guest: string;
  readonly destination: { readonly url: string; readonly guest?: string };
  readonly mode?: Mode;
  readonly downtimeLimitMs?: number;
  readonly timeLimitMs?: number;
  readonly whenStalled?: 'postcopy' | 'stop' | 'cancel';
  readonly bandwidthCaps?: BandwidthCaps;
  readonly pageFilter?: { readonly free?: boolean; readonly cache?: boolean };
  /** Whether page cache may be read from the disk that both hosts share; `auto` by default. */
  readonly storage?: 'auto' | 'off';
  readonly sourceAfter?: 'quit' | 'keep';
}

export interface WaitOptions {
  /** Called with what the API says, each time that it is asked. */
  readonly onProgress?: (migration: Migration) => void;
  readonly intervalMs?: number;
}

/** The source agent's API. */
export class SourceClient extends ApiClient<typeof Migration> {
  constructor(connect: () => Promise<Socket>) {
    super(connect, Migration);
  }

  async migrate(request: MigrationRequest): Promise<Migration> {
    return this.migration({ method: 'POST', path: '/v1/migrations', body: request });
  }

  /** A dry run: what would keep the guest from moving. */
  async examine(request: MigrationRequest): Promise<readonly string[]> {
    const body = { ...request, dryRun: true };
    const report = await this.send({ method: 'POST', path: '/v1/migrations', body });
    return checked(Type.Object({ findings: Type.Array(Type.String()) }), report).findings;
  }

  /** What a dry run says of disks that page cache can come from; null if it is not asked for. */
  async compareDisks(request: MigrationRequest): Promise<DiskReport | null> {
    const body = { ...request, dryRun: true };
    const report = await this.send({ method: 'POST', path: '/v1/migrations', body });
    return checked(Type.Object({ storage: nullable(DiskReport) }), report).storage;
  }

  /** Begins to move guests together. */
  async moveGang(request: GangRequest): Promise<Gang> {
    return checked(Gang, await this.send({ method: 'POST', path: '/v1/gangs', body: request }));
  }

  async gang(id: string): Promise<Gang> {
    return checked(Gang, await this.send({ method: 'GET', path: `/v1/gangs/${id}` }));
  }

  async cancelGang(id: string): Promise<Gang> {
    return checked(Gang, await this.send({ method: 'POST', path: `/v1/gangs/${id}/cancel` }));
  }

  /** The gang as soon as `holds` says so; it is an error if it does not within the time, or once it is over. */
  async gangWhen(
    id: string,
    holds: (gang: Gang) => boolean,
    milliseconds = 60_000,
    intervalMs = pollMs,
  ): Promise<Gang> {
    const deadline = performance.now() + milliseconds;
    for (;;) {
      const gang = await this.gang(id);
      if (holds(gang)) return gang;
      const over = gang.state !== 'active' && gang.state !== 'cancelling';
      if (over || performance.now() > deadline)
        throw new Error(`the gang did not get there: ${JSON.stringify(gang)}`);
      await sleep(intervalMs);
    }
  }

  /** The gang when it is over, however it ended. */
  async gangWhenOver(id: string, milliseconds?: number, intervalMs?: number): Promise<Gang> {
    const isOver = ({ state }: Gang): boolean => finalStates.some((final) => final === state);
    return this.gangWhen(id, isOver, milliseconds, intervalMs);
  }

  /** Begins to find out what guests have in common. */
  async prepare(request: PreparationRequest): Promise<Preparation> {
    return checked(Preparation, await this.send({ method: 'POST', path: '/v1/preparations', body: request }));
  }

  async preparation(id: string): Promise<Preparation> {
    return checked(Preparation, await this.send({ method: 'GET', path: `/v1/preparations/${id}` }));
  }

  async endPreparation(id: string): Promise<void> {
    await this.send({ method: 'DELETE', path: `/v1/preparations/${id}` });
  }

  /** The preparation as soon as `holds` says so; it is an error if it does not within the time. */
  async preparationWhen(
    id: string,
    holds: (preparation: Preparation) => boolean,
    milliseconds = 60_000,
  ): Promise<Preparation> {
    const deadline = performance.now() + milliseconds;
    for (;;) {
      const preparation = await this.preparation(id);
      if (holds(preparation)) return preparation;
      if (performance.now() > deadline)
        throw new Error(`the preparation did not get there: ${JSON.stringify(preparation)}`);
      await sleep(50);
    }
  }

  async limit(id: string, bandwidthCaps: BandwidthCaps): Promise<Migration> {
    return this.migration({ method: 'PATCH', path: `/v1/migrations/${id}`, body: { bandwidthCaps } });
  }

  async cancel(id: string): Promise<Migration> {
    return this.migration({ method: 'POST', path: `/v1/migrations/${id}/cancel` });
  }

  async switchover(id: string): Promise<Migration> {
    return this.migration({ method: 'POST', path: `/v1/migrations/${id}/switchover` });
  }

  /** Waits until the migration is in one of the states; it is an error if it ends in another one, or takes longer. */
  async waitUntil(
    id: string,
    wanted: readonly State[],
    milliseconds: number,
    { onProgress, intervalMs = pollMs }: WaitOptions = {},
  ): Promise<Migration> {
    const deadline = performance.now() + milliseconds;
    for (;;) {
      const migration = await this.get(id);
      onProgress?.(migration);
      if (wanted.includes(migration.state)) return migration;
      const over = finalStates.some((state) => state === migration.state);
      if (over || performance.now() > deadline) {
        const what = over ? 'it ended' : `not within ${milliseconds} ms`;
        throw new Error(`waited for ${wanted.join(' or ')}, ${what}: ${JSON.stringify(migration)}`);
      }
      await sleep(intervalMs);
    }
  }

  /** The migration when it is over, however it ended. */
  async waitUntilOver(id: string, milliseconds: number, options?: WaitOptions): Promise<Migration> {
    return this.waitUntil(id, finalStates, milliseconds, options);
  }
}
