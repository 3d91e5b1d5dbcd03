import { Type, type Static, type TSchema } from '@sinclair/typebox';

// Only what this command looks at: whatever else an agent, perhaps a newer one, answers is left alone.

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Amount = Type.Number({ minimum: 0 });

/** A problem document (RFC 9457). */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Optional(Type.Integer()),
  detail: Type.Optional(Type.String()),
  host: Type.Optional(Type.String()),
  findings: Type.Optional(Type.Array(Type.String())),
});
export type Problem = Static<typeof Problem>;

/** A migration. Times in ms, rates in bytes a second. */
export const Migration = Type.Object({
  id: Type.String({ minLength: 1 }),
  guest: Type.String(),
  destination: Type.Object({ url: Type.String(), guest: Type.Optional(Type.String()) }),
  mode: Type.String(),
  state: Type.String(),
  history: Type.Array(Type.Object({ state: Type.String(), at: Amount })),
  /** Since the epoch. */
  startedAt: Amount,
  totalMs: Amount,
  downtimeMs: nullable(Amount),
  downtime: Type.Optional(nullable(Type.Record(Type.String(), Type.Number()))),
  iterations: Amount,
  memory: nullable(Type.Object({ bytes: Amount, pages: Amount })),
  remainingPages: Amount,
  downtimeLimitMs: Type.Optional(Amount),
  timeLimitMs: Type.Optional(Amount),
  whenStalled: Type.Optional(Type.String()),
  bandwidthCaps: Type.Optional(Type.Object({ precopy: Amount, postcopy: Amount })),
  pages: Type.Optional(Type.Record(Type.String(), Amount)),
  pageFilter: Type.Optional(
    nullable(
      Type.Object({
        state: Type.String(),
        reason: nullable(Type.String()),
        leftOut: Amount,
        sentAfterAll: Amount,
        deferred: Amount,
      }),
    ),
  ),
  storage: Type.Optional(nullable(Type.Object({ mapped: Amount, restored: Amount, unrestored: Amount }))),
  bytes: Type.Object({ sent: Amount }),
  bandwidth: nullable(Amount),
  dirtyRate: nullable(Amount),
  error: nullable(Problem),
});
export type Migration = Static<typeof Migration>;

export const MigrationPage = Type.Object({
  migrations: Type.Array(Migration),
  next: Type.Optional(nullable(Type.String())),
});

/** Which disks page cache can come from. */
const DiskReport = Type.Object({
  reason: nullable(Type.String()),
  disks: Type.Array(
    Type.Object({
      name: Type.String(),
      bytes: Amount,
      state: Type.String(),
      there: nullable(Type.String()),
      sameImage: Type.Boolean(),
      samples: Type.Object({ equal: Amount, different: Amount, unreadable: Amount }),
    }),
  ),
});
export type DiskReport = Static<typeof DiskReport>;

export const Preflight = Type.Object({
  fits: Type.Boolean(),
  findings: Type.Array(Type.String()),
  storage: Type.Optional(nullable(DiskReport)),
});
export type Preflight = Static<typeof Preflight>;

export const Guest = Type.Object({
  name: Type.String(),
  status: nullable(Type.String()),
  memoryBytes: Type.Optional(nullable(Amount)),
  vcpus: Type.Optional(nullable(Amount)),
  migratable: Type.Boolean(),
  reasons: Type.Array(Type.String()),
});
export type Guest = Static<typeof Guest>;

export const Guests = Type.Object({ guests: Type.Array(Guest) });

/** What a guest's memory is used for; a cell of the map is a byte. */
export const Inspection = Type.Object({
  guest: Type.String(),
  kernel: nullable(Type.String()),
  reason: nullable(Type.String()),
  pages: nullable(Type.Record(Type.String(), Amount)),
  map: nullable(
    Type.Object({
      pagesPerCell: Type.Integer({ minimum: 1 }),
      ranges: Type.Array(Type.Object({ start: Amount, length: Amount })),
      cells: Type.String(),
    }),
  ),
  lookMs: Amount,
});
export type Inspection = Static<typeof Inspection>;

export const Readiness = Type.Object({
  ready: Type.Boolean(),
  checks: Type.Array(
    Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.Optional(Type.String()) }),
  ),
});
export type Readiness = Static<typeof Readiness>;

export const Anything = Type.Unknown();
