import { followGang } from '../api/follow.js';
import type { ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { gangSummaryLines } from '../view/gang-summary.js';
import { followToEnd, type FollowToEndOptions } from './follow-to-end.js';

/** Shows a gang until all of its guests have moved or stay: see {@link followToEnd}. */
export async function followGangToEnd(
  session: Session,
  id: string,
  options?: FollowToEndOptions,
): Promise<ExitCode> {
  const { client } = session;
  const followed = {
    id,
    follow: (signal: AbortSignal) => followGang(client, id, { signal }),
    cancel: () => client.cancelGang(id),
    whole: (last: { readonly whole: unknown } | undefined) => Promise.resolve(last?.whole ?? { id }),
    openView: () => session.openGangView(),
    summary: gangSummaryLines,
    question:
      'Detach, and let the guests move on (d), cancel those not handed over (c), or watch on (Enter)? ',
    goesOn: 'whose guests move on',
  };
  return followToEnd(session, followed, options);
}
