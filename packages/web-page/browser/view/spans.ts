import type { Migration } from '../api/migration.js';

/** A phase from its beginning to the next one's, ms since the migration began. */
export interface Span {
  readonly state: string;
  readonly beginMs: number;
  readonly tookMs: number;
  /** What has ended has no duration of its own. */
  readonly isLast: boolean;
}

export function spansOf({ history, startedAt, totalMs }: Migration): readonly Span[] {
  const endAt = startedAt + totalMs;
  return history.map(({ state, at }, index) => {
    const next = history[index + 1];
    return {
      state,
      beginMs: Math.max(at - startedAt, 0),
      tookMs: Math.max((next?.at ?? endAt) - at, 0),
      isLast: next === undefined,
    };
  });
}
