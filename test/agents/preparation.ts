import { Problem } from '@pageferry/daemon';
import { Type, type Static } from '@sinclair/typebox';
import { Count, Milliseconds, anyOf, nullable } from './migration.js';

export interface PreparationRequest {
  readonly guests: readonly string[] | 'all';
  /** Percent of one processor. */
  readonly processorShare?: number;
  readonly lifetimeSeconds?: number;
  readonly memoryBytes?: number;
}

/** A preparation, as the source agent's API shows it. */
export const Preparation = Type.Object({
  id: Type.String({ minLength: 1 }),
  state: anyOf(['indexing', 'ready', 'used', 'expired', 'ended', 'failed']),
  guests: Type.Array(Type.Object({ guest: Type.String(), lost: nullable(Type.String()) })),
  rounds: Count,
  pages: Type.Object({ total: Count, lookedAt: Count, lone: Count }),
  processorMs: Milliseconds,
  yields: nullable(Type.Boolean()),
  gang: nullable(Type.String()),
  error: nullable(Problem),
});
export type Preparation = Static<typeof Preparation>;
