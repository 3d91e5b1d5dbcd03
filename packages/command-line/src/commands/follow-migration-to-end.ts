import { followMigration } from '../api/follow.js';
import type { ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { summaryLines } from '../view/summary.js';
import { followToEnd, type FollowToEndOptions } from './follow-to-end.js';

/** What is over must not be waited for long. */
const WHOLE_TIMEOUT_MS = 10_000;

/** Shows a migration until it is over: see {@link followToEnd}. */
export async function followMigrationToEnd(
  session: Session,
  id: string,
  options?: FollowToEndOptions,
): Promise<ExitCode> {
  const { client } = session;
  const followed = {
    id,
    follow: (signal: AbortSignal) => followMigration(client, id, { signal }),
    cancel: () => client.steer(id, 'cancel'),
    // An event has only the iterations since the event before it.
    whole: async (last: { readonly whole: unknown } | undefined) => {
      const answer = await client.migration(id, AbortSignal.timeout(WHOLE_TIMEOUT_MS)).catch(() => last);
      return answer?.whole ?? { id };
    },
    openView: () => session.openView(),
    summary: summaryLines,
    question: 'Detach, and let the migration go on (d), cancel it (c), or watch on (Enter)? ',
    goesOn: 'which goes on',
  };
  return followToEnd(session, followed, options);
}
