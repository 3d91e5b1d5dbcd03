import { Problem } from '@pageferry/daemon';
import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

export const modes = ['precopy', 'postcopy', 'hybrid'] as const;
export type Mode = (typeof modes)[number];

export const states = [
  'setup',
  'active',
  'pre-switchover',
  'device',
  'postcopy-active',
  'postcopy-paused',
  'postcopy-recover',
  'completed',
  'cancelling',
  'cancelled',
  'failed',
] as const;
export type State = (typeof states)[number];

export const finalStates = ['completed', 'cancelled', 'failed'] as const satisfies readonly State[];

export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const anyOf = <T extends string>(values: readonly T[]) =>
  Type.Union(values.map((value) => Type.Literal(value)));
export const Count = Type.Integer({ minimum: 0 });
export const Milliseconds = Type.Number({ minimum: 0 });

const StateEntry = Type.Object({ state: anyOf(states), at: Milliseconds });

const Iteration = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  durationMs: Milliseconds,
  dirtiedPages: Count,
  sentPages: Count,
  skippedPages: Count,
  sentBytes: Count,
  bandwidth: nullable(Type.Number({ minimum: 0 })),
  accumulatedRate: Type.Number({ minimum: 0 }),
  remainingPages: Count,
});

/** A migration, as the source agent's API shows it. Rates are in bytes a second. */
export const Migration = Type.Object({
  id: Type.String({ minLength: 1 }),
  guest: Type.String(),
  destination: Type.Object({ url: Type.String(), guest: Type.String() }),
  mode: anyOf(modes),
  state: anyOf(states),
  history: Type.Array(StateEntry),
  startedAt: Milliseconds,
  totalMs: Milliseconds,
  downtimeMs: nullable(Milliseconds),
  downtime: nullable(Type.Record(Type.String(), Milliseconds)),
  iterations: Count,
  iterationTable: Type.Array(Iteration),
  memory: nullable(Type.Object({ bytes: Count, pages: Count })),
  remainingPages: Count,
  bandwidthCaps: Type.Object({ precopy: Count, postcopy: Count }),
  pages: Type.Object({
    normal: Count,
    reference: Count,
    patch: Count,
    compressed: Count,
    delta: Count,
    unchanged: Count,
    zero: Count,
    requested: Count,
    pushed: Count,
  }),
  pageFilter: nullable(
    Type.Object({
      state: Type.String(),
      reason: nullable(Type.String()),
      kernel: nullable(Type.String()),
      pages: nullable(Type.Record(Type.String(), Count)),
      leftOut: Count,
      sentAfterAll: Count,
      deferred: Count,
      looks: Count,
      lookMs: Milliseconds,
    }),
  ),
  storage: nullable(
    Type.Object({
      disks: Type.Array(Type.Object({ name: Type.String(), bytes: Count, state: Type.String() })),
      mapped: Count,
      restored: Count,
      unrestored: Count,
    }),
  ),
  bytes: Type.Object({ sent: Count }),
  bandwidth: nullable(Type.Number({ minimum: 0 })),
  dirtyRate: nullable(Type.Number({ minimum: 0 })),
  error: nullable(Problem),
});
export type Migration = Static<typeof Migration>;

/** A migration, as the destination agent's API shows it. */
export const IncomingMigration = Type.Object({
  id: Type.String({ minLength: 1 }),
  guest: nullable(Type.String()),
  mode: nullable(anyOf(modes)),
  state: anyOf(states),
  history: Type.Array(StateEntry),
  owner: Type.Boolean(),
  received: Type.Object({
    normalPages: Count,
    deltaPages: Count,
    zeroPages: Count,
    referencePages: Count,
    patchPages: Count,
    restoredPages: Count,
    bytes: Count,
  }),
  missingPages: Count,
  pageRequests: Count,
  error: nullable(
    Type.Object({ code: Type.String(), message: Type.String(), host: Type.Optional(Type.String()) }),
  ),
});
export type IncomingMigration = Static<typeof IncomingMigration>;

/** What a dry run says of disks that page cache can come from. */
export const DiskReport = Type.Object({
  reason: nullable(Type.String()),
  disks: Type.Array(
    Type.Object({
      name: Type.String(),
      bytes: Count,
      state: Type.String(),
      there: nullable(Type.String()),
      sameImage: Type.Boolean(),
      samples: Type.Object({ equal: Count, different: Count, unreadable: Count }),
    }),
  ),
});
export type DiskReport = Static<typeof DiskReport>;

/** What an API answered, once it has been found to be what it must be. */
export function checked<T extends TSchema>(schema: T, answer: unknown): Static<T> {
  if (Value.Check(schema, answer)) return answer;
  const first = Value.Errors(schema, answer).First();
  throw new TypeError(`${first?.path ?? ''}: ${first?.message ?? ''} in ${JSON.stringify(answer)}`);
}
