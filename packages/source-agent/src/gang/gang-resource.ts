import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { OutgoingResource, StateName } from '../outgoing-resource.js';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Count = Type.Integer({ minimum: 0 });
const Milliseconds = Type.Number({ minimum: 0, description: 'ms' });
const { mode, pages, error } = OutgoingResource.properties;

export const GangStateName = Type.Union([
  Type.Literal('active'),
  Type.Literal('cancelling'),
  Type.Literal('completed'),
  Type.Literal('cancelled'),
  Type.Literal('failed'),
]);

const Member = Type.Object({
  guest: Type.String(),
  state: Type.Union([
    Type.Literal('waiting'),
    Type.Literal('moving'),
    Type.Literal('moved'),
    Type.Literal('failed'),
    Type.Literal('cancelled'),
    Type.Literal('skipped'),
  ]),
  migration: nullable(Type.String({ description: 'Its newest migration: see /v1/migrations' })),
  migrationState: nullable(StateName),
  attempts: Type.Integer({ minimum: 0, description: 'Migrations of it that were begun' }),
  memory: OutgoingResource.properties.memory,
  remainingPages: Count,
  downtimeMs: nullable(Milliseconds),
  totalMs: nullable(Milliseconds),
  sentBytes: Count,
  error,
});

/** What the HTTP API shows of a gang. */
export const GangResource = Type.Object(
  {
    id: Type.String(),
    destination: Type.Object({ url: Type.String() }),
    mode,
    state: GangStateName,
    startedAt: Type.Integer({ description: 'ms since the epoch' }),
    totalMs: Milliseconds,
    atOnce: Count,
    bandwidthCap: Type.Integer({ minimum: 0, description: 'Bytes a second; 0 for no limit' }),
    guests: Type.Array(Member, { description: 'In the order in which they move' }),
    sent: Type.Object({ bytes: Count, pages }, { description: 'For all of them, so far' }),
    preparation: nullable(
      Type.String({
        description: 'That it uses: see /v1/preparations. Null if there was none of its guests',
      }),
    ),
    contents: Type.Object({
      kept: Type.Integer({
        minimum: 0,
        description: 'Contents of pages that were kept on both hosts, so that others can refer to them',
      }),
      lone: Type.Integer({
        minimum: 0,
        description:
          'Pages that were not compared with any: by the preparation none has anything in common with them',
      }),
    }),
    bandwidth: nullable(Type.Number({ minimum: 0, description: 'bytes a second' })),
  },
  { $id: 'Gang', description: 'Guests that leave this host together' },
);
export type GangView = Static<typeof GangResource>;
export type MemberView = GangView['guests'][number];
