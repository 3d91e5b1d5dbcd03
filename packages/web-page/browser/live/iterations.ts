import type { Iteration, Migration } from '../api/migration.js';

/** More than the agent keeps: what is followed from its beginning is shown from its beginning. */
const MOST_KEPT = 4096;

/** Whether the newest iterations are among those that are known: a list has none of them. */
export function knowsIterations({ iterations, iterationTable }: Migration): boolean {
  return (iterationTable.at(-1)?.number ?? 0) >= iterations;
}

/** What is known of a migration by now: an event has only the iterations since the one before. */
export function withIterations(known: Migration | undefined, news: Migration): Migration {
  if (known === undefined || known.id !== news.id) return news;
  const byNumber = new Map<number, Iteration>();
  for (const row of [...known.iterationTable, ...news.iterationTable]) byNumber.set(row.number, row);
  const rows = [...byNumber.values()].sort((one, other) => one.number - other.number);
  return { ...news, iterationTable: rows.slice(-MOST_KEPT) };
}
