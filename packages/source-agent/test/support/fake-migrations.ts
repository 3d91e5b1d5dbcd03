import { EventFeed, type Check, type EndedMigration } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { ServedGangs } from '../../src/api/gang-routes.js';
import type { ServedPreparations } from '../../src/api/preparation-routes.js';
import type { ServedMigrations } from '../../src/api/served-migrations.js';
import type { GuestView } from '../../src/guest-list.js';
import type { InspectionView } from '../../src/inspect-guest.js';
import type { OutgoingView } from '../../src/outgoing-resource.js';
import type { DryRun } from '../../src/preflight.js';
import type { MigrationChange, MigrationRequest, SwitchOverWith } from '../../src/request.js';
import { Steering } from '../../src/steering.js';
import { viewRequest } from '../../src/view-request.js';

const noGang = (): never => {
  throw new PageferryError('migration-not-found', 'there are no gangs here');
};

/** For an API whose gangs do not matter. */
export const noGangs: ServedGangs = {
  views: [],
  underwayCount: 0,
  view: noGang,
  ended: () => undefined,
  find: noGang,
  start: noGang,
  onEnd: () => undefined,
};

const noPreparation = (): never => {
  throw new PageferryError('preparation-not-found', 'there are no preparations here');
};

/** For an API whose preparations do not matter. */
export const noPreparations: ServedPreparations = {
  views: [],
  underwayCount: 0,
  processorMs: 0,
  find: noPreparation,
  start: noPreparation,
  delete: noPreparation,
  onEnd: () => undefined,
};

/** Of every migration that is started. */
export const id = '6f1c';

const machine = {
  version: '10.0.2',
  machineType: 'pc-q35-10.0',
  accelerator: 'tcg',
  cpuType: 'qemu64-x86_64-cpu',
  vcpus: 2,
  memoryBytes: 1 << 30,
  runState: 'running',
} as const;

/** What every dry run finds. */
export const dryRun: DryRun = {
  fits: false,
  findings: ['The number of vCPUs differs.'],
  source: machine,
  destination: { ...machine, vcpus: 1, runState: 'inmigrate' },
  storage: {
    reason: null,
    disks: [
      {
        name: 'vda',
        bytes: 1 << 30,
        state: 'shared',
        there: 'disk0',
        sameImage: true,
        samples: { equal: 16, different: 0, unreadable: 0 },
      },
    ],
  },
};

/** A migration that does nothing but what a test has it do. */
export class FakeMigration {
  readonly id = id;
  readonly calls: unknown[] = [];
  readonly request: MigrationRequest;
  readonly feed = new EventFeed();
  refusal: PageferryError | undefined;
  readonly #steering: Steering;

  constructor(request: MigrationRequest) {
    this.request = request;
    this.#steering = new Steering(request);
  }

  get view(): OutgoingView {
    const { bandwidthCaps, downtimeLimitMs, timeLimitMs, whenStalled } = this.#steering;
    return {
      ...viewRequest(id, this.request, 1_700_000_000_000),
      totalMs: 1,
      downtimeLimitMs,
      timeLimitMs,
      whenStalled,
      bandwidthCaps: { ...bandwidthCaps },
    };
  }

  cancel(): void {
    this.#called(['cancel']);
  }

  forceSwitchOver(by?: SwitchOverWith): void {
    this.#called(['switchover', by]);
  }

  recover(): void {
    this.#called(['recover']);
  }

  change(change: MigrationChange): void {
    this.#called(change);
    this.#steering.change(change);
  }

  #called(what: unknown): void {
    if (this.refusal !== undefined) throw this.refusal;
    this.calls.push(what);
  }
}

/** What the API serves, without an agent behind it. */
export class FakeMigrations implements ServedMigrations {
  readonly started: FakeMigration[] = [];
  readonly failing: Check[] = [];
  readonly limit = 4;
  refusal: PageferryError | undefined;
  readonly #ended = new Map<string, EndedMigration<OutgoingView>>();
  readonly #onEnd: ((view: OutgoingView) => void)[] = [];

  get underway(): OutgoingView[] {
    return this.started.map(({ view }) => view);
  }

  get views(): OutgoingView[] {
    return [...[...this.#ended.values()].map(({ view }) => view), ...this.underway];
  }

  readonly view = (wanted: string): OutgoingView => this.#ended.get(wanted)?.view ?? this.find(wanted).view;

  readonly find = (wanted: string): FakeMigration => {
    const found = this.started.find((migration) => migration.id === wanted);
    if (found === undefined) throw new PageferryError('migration-not-found', `no migration ${wanted}`);
    return found;
  };

  readonly ended = (wanted: string): EndedMigration<OutgoingView> | undefined => this.#ended.get(wanted);

  readonly start = async (request: MigrationRequest): Promise<FakeMigration> => {
    await Promise.resolve();
    if (this.refusal !== undefined) throw this.refusal;
    const migration = new FakeMigration(request);
    this.started.push(migration);
    return migration;
  };

  readonly examine = async (): Promise<DryRun> => Promise.resolve(dryRun);

  readonly delete = async (wanted: string): Promise<void> => {
    await Promise.resolve();
    if (this.#ended.delete(wanted)) return;
    this.find(wanted);
    throw new PageferryError('migration-state', 'it is under way');
  };

  readonly guests = async (): Promise<GuestView[]> =>
    Promise.resolve([
      { name: 'web1', status: 'running', memoryBytes: 1, vcpus: 1, migratable: true, reasons: [] },
    ]);

  readonly inspect = async (guest: string): Promise<InspectionView> => {
    await Promise.resolve();
    if (this.refusal !== undefined) throw this.refusal;
    const pages = { kernel: 1, free: 2, anonymous: 3, inode: 4, cache: 5 };
    return { guest, kernel: '6.12', reason: null, pages, map: null, lookMs: 1 };
  };

  readonly checks = async (): Promise<readonly Check[]> => Promise.resolve(this.failing);

  readonly onEnd = (listener: (view: OutgoingView) => void): void => {
    this.#onEnd.push(listener);
  };

  /** A migration that has completed. */
  end(endedId: string, startedAt: number, guest: string): OutgoingView {
    const request: MigrationRequest = {
      guest,
      destination: { url: 'ws://10.0.0.2:7411' },
      mode: 'hybrid',
      downtimeLimitMs: 300,
      timeLimitMs: 1000,
      sourceAfter: 'quit',
    };
    const { view } = new FakeMigration(request);
    const ended: OutgoingView = {
      ...view,
      id: endedId,
      startedAt,
      state: 'completed',
      downtimeMs: 40,
      totalMs: 2000,
      bytes: { sent: 1000 },
    };
    this.#ended.set(endedId, { view: ended, events: 7 });
    for (const listener of this.#onEnd) listener(ended);
    return ended;
  }
}
