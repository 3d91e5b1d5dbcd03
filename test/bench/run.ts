import { Type, type Static, type TSchema } from '@sinclair/typebox';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Count = Type.Integer({ minimum: 0 });
const Amount = Type.Number({ minimum: 0 });

/** Where it was measured. */
export const Machine = Type.Object({
  processors: Count,
  accelerator: Type.String(),
  qemu: Type.String(),
  node: Type.String(),
});
export type Machine = Static<typeof Machine>;

/** Of a migration of several guests. */
export const GangFigures = Type.Object({
  guests: Count,
  completedGuests: Count,
  longestDowntimeMs: nullable(Type.Number()),
  pages: Type.Record(Type.String(), Count, {
    description:
      'How the pages of all guests went, by encoding; `free`: those of the zeroes that were left out as free',
  }),
  preparedSlowDown: Type.Optional(
    nullable(
      Type.Number({
        description:
          'The part of their work that the guests do not do while they are prepared for the migration; null if they do none',
      }),
    ),
  ),
});
export type GangFigures = Static<typeof GangFigures>;

/** What a guest has done over some time. */
export const Activity = Type.Object({
  rate: Type.Number({ minimum: 0, description: 'Its work a second' }),
  readBytes: Type.Integer({ minimum: 0, description: 'By the guest from its disk' }),
});
export type Activity = Static<typeof Activity>;

/** What a guest has done before its migration, and from when it ran on the destination; null if it never did. */
export const Around = Type.Object({
  windowMs: Type.Number({ description: 'How long it was looked at, each time' }),
  before: Activity,
  after: nullable(Activity),
});
export type Around = Static<typeof Around>;

/**
 * One migration of one guest, or of all guests of a gang; then the downtimes are the means of the guests, the gap is the longest
 * of any of them, and all else is of all together. Times in ms.
 */
export const Run = Type.Object({
  scenario: Type.String(),
  link: nullable(Type.Number({ description: '10^6 bits a second; null without a limit' })),
  method: Type.String(),
  date: Type.String(),
  machine: Machine,
  completed: Type.Boolean(),
  error: nullable(Type.String({ description: 'Why it was not completed' })),
  totalMs: Amount,
  downtimeMs: nullable(
    Type.Number({ description: 'From the stop here to running there, by the events of both QEMUs' }),
  ),
  runningMs: Type.Optional(
    nullable(
      Type.Number({ description: 'From the beginning to running there, by the events of both QEMUs' }),
    ),
  ),
  reportedDowntimeMs: nullable(Type.Number({ description: 'As QEMU, or pageferry, tells it' })),
  guestGapMs: nullable(
    Type.Number({ description: "The longest time in which the guest's workload made no progress" }),
  ),
  wireBytes: Type.Integer({ minimum: 0, description: "Sent by the source's network interface" }),
  pages: Type.Integer({ minimum: 0, description: 'Sent with content, in whichever encoding' }),
  contentPages: Type.Integer({ minimum: 0, description: "The guest's pages other than zero, at the start" }),
  pageRequests: Count,
  undisturbedRate: Type.Number({ minimum: 0, description: "The guest's work a second before the migration" }),
  rate: nullable(Type.Number({ minimum: 0, description: "The guest's work a second during the migration" })),
  sourceCpuMs: nullable(Type.Number({ description: 'Of the QEMU and the agent; null if one has ended' })),
  destinationCpuMs: nullable(Amount),
  movedBefore: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Guests that the daemons had moved before; none if it is missing',
    }),
  ),
  memoryReserved: Type.Optional(
    Type.Literal(true, {
      description: "The destination's QEMU had touched all of the guest's memory before",
    }),
  ),
  processorWeight: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: "Of the daemons, as systemd's CPUWeight; that of a guest, 100, if it is missing",
    }),
  ),
  daemonPeakBytes: nullable(Type.Integer({ description: "The larger of the daemons' peaks" })),
  guestErrors: nullable(Type.Integer({ description: 'Found by the guest afterwards; null if it was lost' })),
  storageBytes: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Received by the destination from the storage host during the migration',
    }),
  ),
  around: Type.Optional(Around),
  gang: Type.Optional(GangFigures),
});
export type Run = Static<typeof Run>;
