import { Type, type Static, type TSchema } from '@sinclair/typebox';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Count = Type.Integer({ minimum: 0 });
const Moment = Type.Integer({ description: 'ms since the epoch' });

/** See `IncomingState`. */
export const StateName = Type.Union([
  Type.Literal('setup'),
  Type.Literal('active'),
  Type.Literal('device'),
  Type.Literal('postcopy-active'),
  Type.Literal('postcopy-paused'),
  Type.Literal('postcopy-recover'),
  Type.Literal('completed'),
  Type.Literal('cancelled'),
  Type.Literal('failed'),
]);

/** What the HTTP API shows of an incoming migration. */
export const IncomingResource = Type.Object(
  {
    id: Type.String({ description: 'The same as on the source' }),
    guest: nullable(Type.String()),
    mode: nullable(Type.Union([Type.Literal('precopy'), Type.Literal('postcopy'), Type.Literal('hybrid')])),
    state: StateName,
    history: Type.Array(Type.Object({ state: StateName, at: Moment }), { description: 'The states so far' }),
    startedAt: Moment,
    owner: Type.Boolean({ description: "Whether the guest is this host's" }),
    received: Type.Object({
      normalPages: Count,
      deltaPages: Count,
      zeroPages: Count,
      referencePages: Count,
      patchPages: Count,
      restoredPages: Type.Integer({ minimum: 0, description: 'Pages from a disk that both hosts share' }),
      bytes: Count,
    }),
    missingPages: Count,
    pageRequests: Type.Integer({
      minimum: 0,
      description: 'Pages that the guest has waited for, in post-copy',
    }),
    error: nullable(
      Type.Object({
        code: Type.String(),
        message: Type.String(),
        host: Type.Optional(Type.Union([Type.Literal('source'), Type.Literal('destination')])),
        findings: Type.Optional(Type.Array(Type.String())),
      }),
    ),
  },
  { $id: 'Migration', description: 'A migration into this host' },
);

export type IncomingView = Static<typeof IncomingResource>;
