import { Problem } from '@pageferry/daemon';
import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { WhenStalled } from './request.js';
import { StorageResource } from './storage/storage-resource.js';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Count = Type.Integer({ minimum: 0 });
const Milliseconds = Type.Number({ minimum: 0, description: 'ms' });
const Moment = Type.Integer({ description: 'ms since the epoch' });
const Rate = Type.Number({ minimum: 0, description: 'bytes a second' });
const Mode = Type.Union([Type.Literal('precopy'), Type.Literal('postcopy'), Type.Literal('hybrid')]);

/** See `OutgoingState`. */
export const StateName = Type.Union([
  Type.Literal('setup'),
  Type.Literal('active'),
  Type.Literal('pre-switchover'),
  Type.Literal('device'),
  Type.Literal('postcopy-active'),
  Type.Literal('postcopy-paused'),
  Type.Literal('postcopy-recover'),
  Type.Literal('completed'),
  Type.Literal('cancelling'),
  Type.Literal('cancelled'),
  Type.Literal('failed'),
]);

/** See `Iteration` of packages/transfer. */
const Row = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  durationMs: Milliseconds,
  dirtiedPages: Count,
  sentPages: Count,
  skippedPages: Count,
  sentBytes: Type.Number({ minimum: 0 }),
  bandwidth: nullable(Rate),
  accumulatedRate: Rate,
  remainingPages: Count,
});

/** See `Downtime`. */
const DowntimeParts = Type.Object({
  stop: Milliseconds,
  deviceState: Milliseconds,
  lastPages: Milliseconds,
  load: Milliseconds,
  journal: Milliseconds,
  resume: Milliseconds,
  rest: Milliseconds,
});

/** Pages by what a guest uses them for: see `PageCounts` of packages/introspect. */
export const pageCounts = { kernel: Count, free: Count, anonymous: Count, inode: Count, cache: Count };

/** See `PageFilterView`. */
const PageFilterResource = Type.Object(
  {
    state: Type.Union(
      [Type.Literal('off'), Type.Literal('searching'), Type.Literal('on'), Type.Literal('unsupported')],
      { description: "Off by request; the guest's kernel is searched for; is known; is not, or is no more" },
    ),
    reason: nullable(Type.String({ description: 'Why the guest is unsupported' })),
    kernel: nullable(Type.String({ description: "The guest's, as uname -r says it" })),
    pages: nullable(
      Type.Object(pageCounts, {
        description: 'By what they are used for, when the guest was looked into last',
      }),
    ),
    leftOut: Type.Integer({ minimum: 0, description: 'Pages that went as zeroes for being free' }),
    sentAfterAll: Type.Integer({
      minimum: 0,
      description: 'Pages that had been left out and were sent, as they were used again',
    }),
    deferred: Type.Integer({ minimum: 0, description: 'Pages of clean page cache that went last' }),
    looks: Count,
    lookMs: Milliseconds,
  },
  { description: 'Pages that the guest can do without, now or at all' },
);

/** What the HTTP API shows of an outgoing migration. */
export const OutgoingResource = Type.Object(
  {
    id: Type.String(),
    guest: Type.String(),
    destination: Type.Object({ url: Type.String(), guest: Type.String() }),
    mode: Mode,
    state: StateName,
    history: Type.Array(Type.Object({ state: StateName, at: Moment }), { description: 'The states so far' }),
    startedAt: Moment,
    totalMs: Milliseconds,
    downtimeMs: nullable(Milliseconds),
    downtime: nullable(DowntimeParts),
    iterations: Type.Integer({ minimum: 0, description: 'Of pre-copy, so far' }),
    iterationTable: Type.Array(Row, {
      description: 'The newest iterations; in events those since the last event',
    }),
    memory: nullable(Type.Object({ bytes: Count, pages: Count })),
    remainingPages: Type.Integer({
      minimum: 0,
      description: 'Pages that the destination lacks, or has in an old version',
    }),
    downtimeLimitMs: Milliseconds,
    timeLimitMs: Milliseconds,
    whenStalled: WhenStalled,
    bandwidthCaps: Type.Object(
      { precopy: Count, postcopy: Count },
      { description: 'Bytes a second; 0 for no limit' },
    ),
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
    pageFilter: nullable(PageFilterResource),
    storage: nullable(StorageResource),
    bytes: Type.Object({ sent: Count }),
    bandwidth: nullable(Rate),
    dirtyRate: nullable(Rate),
    error: nullable(Type.Object(Problem.properties, { description: 'Why it failed (RFC 9457)' })),
  },
  { $id: 'Migration', description: 'A migration out of this host' },
);

/** What a list of them shows: the table of one can be as long as all the rest of a list. */
export const ListedResource = Type.Omit(OutgoingResource, ['iterationTable'], {
  $id: 'ListedMigration',
  description: 'A migration out of this host, without its table of iterations',
});

export type OutgoingView = Static<typeof OutgoingResource>;
