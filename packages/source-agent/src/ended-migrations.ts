import { Journal, problemOf, type EndedMigration, type Logger, type StoredJournal } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { OutgoingResource, type OutgoingView } from './outgoing-resource.js';
import { readStory, type Story } from './recovery.js';
import type { MigrationRequest } from './request.js';
import { viewRequest } from './view-request.js';

const EndedRecord = Type.Object({
  event: Type.Literal('ended'),
  view: OutgoingResource,
  events: Type.Integer({ minimum: 1 }),
});

/**
 * What the journals say of migrations that have ended, the oldest first. Journals that tell of nothing that could be shown
 * are removed. Error: `journal`.
 */
export async function readEnded(directory: string, log: Logger): Promise<EndedMigration<OutgoingView>[]> {
  const ended: EndedMigration<OutgoingView>[] = [];
  for (const journal of await Journal.readAll(directory)) {
    const story = readStory(journal.records);
    if (story.open || journal.damaged) continue;
    const found = journal.records.find((record) => Value.Check(EndedRecord, record)) ?? endOf(journal, story);
    if (found === undefined) {
      log.debug({ migration: journal.id }, 'the journal of a migration that never began is removed');
      await Journal.delete(directory, journal.id);
    } else ended.push(found);
  }
  return ended.sort((one, other) => one.view.startedAt - other.view.startedAt);
}

/** Of a migration whose agent died before it could say more. */
function endOf(
  { id }: StoredJournal,
  { request, ...story }: Story,
): EndedMigration<OutgoingView> | undefined {
  return request === undefined ? undefined : { view: viewOf(id, request, story), events: 1 };
}

function viewOf(
  id: string,
  request: MigrationRequest,
  { lastEvent, startedAt }: Pick<Story, 'lastEvent' | 'startedAt'>,
): OutgoingView {
  const completed = lastEvent === 'completed';
  const interrupted = new PageferryError('interrupted', 'the agent ended during the migration', {
    host: 'source',
  });
  return {
    ...viewRequest(id, request, startedAt),
    state: completed ? 'completed' : 'failed',
    error: completed ? null : problemOf(interrupted),
  };
}
