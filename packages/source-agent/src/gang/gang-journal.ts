import { join } from 'node:path';
import { Journal, type Logger, type StoredJournal } from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { GangResource, type GangView } from './gang-resource.js';

const Begun = Type.Object({ event: Type.Literal('begun'), view: GangResource });
const Migration = Type.Object({
  event: Type.Literal('migration'),
  guest: Type.String(),
  migration: Type.String(),
});
const Ended = Type.Object({
  event: Type.Literal('ended'),
  view: GangResource,
  events: Type.Integer({ minimum: 0 }),
});

/** Where the journals of gangs are; those of migrations are beside this directory. */
export const gangDirectory = (stateDirectory: string): string => join(stateDirectory, 'gangs');

/** A gang as an earlier run of the agent has left it. */
export interface StoredGang {
  readonly begun: GangView;
  /** Ids of each guest's migrations, the newest last. */
  readonly migrations: ReadonlyMap<string, readonly string[]>;
  /** How it ended, and how many events its feed had; undefined if the agent ended before it. */
  readonly ended: { readonly view: GangView; readonly events: number } | undefined;
}

/**
 * What a gang leaves on disk, so that the agent's next run can show it. Nothing else depends on it: what has become of the
 * guests is in the journals of their migrations.
 */
export class GangJournal {
  readonly #journal: Journal;
  readonly #log: Logger;

  private constructor(journal: Journal, log: Logger) {
    this.#journal = journal;
    this.#log = log;
  }

  /** Error: `journal`. */
  static async open(directory: string, view: GangView, log: Logger): Promise<GangJournal> {
    const journal = await Journal.open(directory, view.id, { log });
    try {
      await journal.append({ event: 'begun', view });
    } catch (thrown) {
      await journal.close();
      throw thrown;
    }
    return new GangJournal(journal, log);
  }

  /** A migration of one of the guests has begun. */
  migration(guest: string, migration: string): void {
    void this.#record({ event: 'migration', guest, migration });
  }

  /** @param events of the gang's feed */
  async end(view: GangView, events: number): Promise<void> {
    await this.#record({ event: 'ended', view, events });
    await this.close();
  }

  /** The agent ends, and the gang's guests are left to its next run. */
  async close(): Promise<void> {
    await this.#journal.close();
  }

  async #record(record: object): Promise<void> {
    await this.#journal.append(record).catch((thrown: unknown) => {
      this.#log.warn(
        { err: thrown, gang: this.#journal.id },
        'the next start of this agent will not know what has become of the gang',
      );
    });
  }
}

/** The gangs of earlier runs, the oldest first. Journals that do not say how one began are removed. Error: `journal`. */
export async function readGangs(directory: string, log: Logger): Promise<StoredGang[]> {
  const gangs: StoredGang[] = [];
  for (const journal of await Journal.readAll(directory)) {
    const gang = readGang(journal);
    if (gang === undefined) {
      log.debug({ gang: journal.id }, 'the journal of a gang that never began is removed');
      await Journal.delete(directory, journal.id);
    } else gangs.push(gang);
  }
  return gangs.sort((one, other) => one.begun.startedAt - other.begun.startedAt);
}

function readGang({ records }: Pick<StoredJournal, 'records'>): StoredGang | undefined {
  const [begun] = records;
  if (!Value.Check(Begun, begun)) return undefined;
  const migrations = new Map<string, string[]>();
  for (const record of records) {
    if (!Value.Check(Migration, record)) continue;
    const { guest, migration } = record;
    migrations.set(guest, [...(migrations.get(guest) ?? []), migration]);
  }
  return { begun: begun.view, migrations, ended: records.find((record) => Value.Check(Ended, record)) };
}
