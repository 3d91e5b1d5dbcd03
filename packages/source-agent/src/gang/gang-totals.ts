import type { OutgoingView } from '../outgoing-resource.js';
import type { GangView } from './gang-resource.js';

/** What all these migrations have sent together. */
export function totalOf(migrations: readonly OutgoingView[]): GangView['sent'] {
  const pages = {
    normal: 0,
    reference: 0,
    patch: 0,
    compressed: 0,
    delta: 0,
    unchanged: 0,
    zero: 0,
    requested: 0,
    pushed: 0,
  };
  let bytes = 0;
  for (const migration of migrations) {
    bytes += migration.bytes.sent;
    pages.normal += migration.pages.normal;
    pages.reference += migration.pages.reference;
    pages.patch += migration.pages.patch;
    pages.compressed += migration.pages.compressed;
    pages.delta += migration.pages.delta;
    pages.unchanged += migration.pages.unchanged;
    pages.zero += migration.pages.zero;
    pages.requested += migration.pages.requested;
    pages.pushed += migration.pages.pushed;
  }
  return { bytes, pages };
}
