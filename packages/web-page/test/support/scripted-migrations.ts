import type { EndedMigration } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { ServedMigrations } from '../../../source-agent/src/api/served-migrations.js';
import type { GuestView } from '../../../source-agent/src/guest-list.js';
import type { OutgoingView } from '../../../source-agent/src/outgoing-resource.js';
import { ScriptedMigration } from './scripted-migration.js';

/** What the source's API serves, without an agent behind it. */
export class ScriptedMigrations implements ServedMigrations {
  readonly limit = 4;
  readonly running = new Map<string, ScriptedMigration>();
  readonly history = new Map<string, OutgoingView>();

  begin(view: OutgoingView): ScriptedMigration {
    const migration = new ScriptedMigration(view);
    this.running.set(view.id, migration);
    return migration;
  }

  /** Is over, and tells those who follow it. */
  end(migration: ScriptedMigration, view: OutgoingView): void {
    this.running.delete(migration.id);
    this.history.set(view.id, view);
    migration.feed.end('end', () => view);
  }

  get underway(): OutgoingView[] {
    return [...this.running.values()].map(({ view }) => view);
  }

  get views(): OutgoingView[] {
    return [...this.underway, ...this.history.values()];
  }

  readonly find = (id: string): ScriptedMigration => {
    const found = this.running.get(id);
    if (found === undefined) throw new PageferryError('migration-not-found', `no migration ${id}`);
    return found;
  };

  readonly view = (id: string): OutgoingView => this.history.get(id) ?? this.find(id).view;

  readonly ended = (id: string): EndedMigration<OutgoingView> | undefined => {
    const view = this.history.get(id);
    return view && { view, events: 100 };
  };

  readonly guests = (): Promise<GuestView[]> =>
    Promise.resolve(
      ['db1', 'web1'].map((name) => ({
        name,
        status: 'running',
        memoryBytes: 1,
        vcpus: 1,
        migratable: true,
        reasons: [],
      })),
    );

  readonly start = (): Promise<never> => Promise.reject(new Error('nothing is started from the page'));
  readonly examine = (): Promise<never> => Promise.reject(new Error('nothing is examined from the page'));
  readonly inspect = (): Promise<never> => Promise.reject(new Error('nobody is looked into from the page'));
  readonly delete = (): Promise<never> => Promise.reject(new Error('nothing is deleted from the page'));
  readonly checks = (): Promise<[]> => Promise.resolve([]);
  readonly onEnd = (): void => undefined;
}
