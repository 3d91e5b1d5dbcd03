import { Problem } from '@pageferry/daemon';
import { Type, type Static } from '@sinclair/typebox';
import { Count, Migration, Milliseconds, anyOf, modes, nullable, states, type Mode } from './migration.js';

export interface GangRequest {
  readonly guests: readonly string[] | 'all';
  readonly destination: { readonly url: string };
  readonly mode?: Mode;
  /** For each guest's migration. */
  readonly timeLimitMs?: number;
  readonly whenStalled?: 'postcopy' | 'stop' | 'cancel';
  readonly pageFilter?: { readonly free?: boolean; readonly cache?: boolean };
  readonly sourceAfter?: 'quit' | 'keep';
  /** Bytes a second; 0 for no limit. */
  readonly bandwidthCap?: number;
  readonly atOnce?: number;
  readonly whenOneFails?: 'continue' | 'stop';
  readonly share?: boolean;
}

/** A gang, as the source agent's API shows it. */
export const Gang = Type.Object({
  id: Type.String({ minLength: 1 }),
  mode: anyOf(modes),
  state: anyOf(['active', 'cancelling', 'completed', 'cancelled', 'failed']),
  totalMs: Milliseconds,
  guests: Type.Array(
    Type.Object({
      guest: Type.String(),
      state: anyOf(['waiting', 'moving', 'moved', 'failed', 'cancelled', 'skipped']),
      migration: nullable(Type.String()),
      migrationState: nullable(anyOf(states)),
      attempts: Count,
      downtimeMs: nullable(Milliseconds),
      totalMs: nullable(Milliseconds),
      sentBytes: Count,
      error: nullable(Problem),
    }),
  ),
  sent: Type.Object({ bytes: Count, pages: Migration.properties.pages }),
  preparation: nullable(Type.String()),
  contents: Type.Object({ kept: Count, lone: Count }),
});
export type Gang = Static<typeof Gang>;
