import { Journal, type EndedMigration } from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { IncomingResource, type IncomingView } from './incoming-resource.js';
import { NOTHING_RECEIVED } from './received-counts.js';
import { readStory, type Story } from './recovery.js';

const EndedRecord = Type.Object({ event: Type.Literal('ended'), view: IncomingResource });

/** What the journals say of migrations that have ended, the oldest first. Error: `journal`. */
export async function readEnded(directory: string): Promise<EndedMigration<IncomingView>[]> {
  const ended: EndedMigration<IncomingView>[] = [];
  for (const { id, records, damaged } of await Journal.readAll(directory)) {
    const story = readStory(records);
    if (story.open || damaged) continue;
    const said = records.find((record) => Value.Check(EndedRecord, record));
    ended.push({ view: said?.view ?? viewOf(id, story), events: 0 });
  }
  return ended.sort((one, other) => one.view.startedAt - other.view.startedAt);
}

/** Of a migration whose agent died before it could say more. */
function viewOf(id: string, { phase, guest, mode, startedAt, failed }: Story): IncomingView {
  const owner = phase === 'owner';
  const completed = owner && !failed;
  return {
    id,
    guest: guest ?? null,
    mode: guest === undefined ? null : mode,
    state: completed ? 'completed' : 'failed',
    history: [{ state: 'setup', at: startedAt }],
    startedAt,
    owner,
    received: { ...NOTHING_RECEIVED },
    missingPages: 0,
    pageRequests: 0,
    error: completed
      ? null
      : { code: 'interrupted', message: 'the agent ended during the migration', host: 'destination' },
  };
}
