import type { OutgoingView } from '../outgoing-resource.js';
import { NOTHING_SENT } from '../sent-counts.js';
import type { GangView } from './gang-resource.js';

const kinds = [
  ...(['normal', 'reference', 'patch', 'compressed', 'delta', 'unchanged', 'zero'] as const),
  ...(['requested', 'pushed'] as const),
];

/** What all these migrations have sent together. */
export function totalOf(migrations: readonly OutgoingView[]): GangView['sent'] {
  const pages = { ...NOTHING_SENT, requested: 0, pushed: 0 };
  let bytes = 0;
  for (const migration of migrations) {
    bytes += migration.bytes.sent;
    for (const kind of kinds) pages[kind] += migration.pages[kind];
  }
  return { bytes, pages };
}
