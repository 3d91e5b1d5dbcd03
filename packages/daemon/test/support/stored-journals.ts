import { Journal } from '../../src/journal.js';
import type { Logger } from '../../src/log.js';

/** The journals that a test lays down for a daemon, or finds after it. */
export interface StoredJournals {
  readonly writeJournal: (id: string, records: readonly object[]) => Promise<void>;
  /** The events in the journal of this migration. */
  readonly events: (id: string) => Promise<unknown[]>;
}

/** @param directory of the daemon's state */
export function storedJournals(directory: string, log: Logger): StoredJournals {
  return {
    writeJournal: async (id, records) => {
      const journal = await Journal.open(directory, id, { log });
      for (const record of records) await journal.append(record);
      await journal.close();
    },
    events: async (id) => {
      const stored = (await Journal.readAll(directory)).find((journal) => journal.id === id);
      return (stored?.records ?? []).map((record) =>
        typeof record === 'object' && record !== null && 'event' in record ? record.event : record,
      );
    },
  };
}
