import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { OutgoingResource } from '../outgoing-resource.js';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Count = Type.Integer({ minimum: 0 });

const PreparedGuest = Type.Object({
  guest: Type.String(),
  bytes: Type.Integer({ minimum: 0, description: 'Its memory' }),
  lost: nullable(Type.String({ description: 'Why its memory cannot be read any more; null while it can' })),
});

/** What the HTTP API shows of a preparation. */
export const PreparationResource = Type.Object(
  {
    id: Type.String(),
    state: Type.Union([
      Type.Literal('indexing'),
      Type.Literal('ready'),
      Type.Literal('used'),
      Type.Literal('expired'),
      Type.Literal('ended'),
      Type.Literal('failed'),
    ]),
    guests: Type.Array(PreparedGuest),
    processorShare: Type.Number({ description: 'Percent of one processor' }),
    startedAt: Type.Integer({ description: 'ms since the epoch' }),
    expiresAt: Type.Integer({ description: 'ms since the epoch' }),
    indexBytes: Type.Integer({ minimum: 0, description: 'Memory that it takes until it is over' }),
    rounds: Type.Integer({ minimum: 0, description: 'Times that all pages have been looked at' }),
    pages: Type.Object({
      total: Count,
      lookedAt: Type.Integer({ minimum: 0, description: 'In this round, those that hold nothing, too' }),
      lone: Type.Integer({ minimum: 0, description: 'That have nothing in common with any other page' }),
    }),
    processorMs: Type.Number({ minimum: 0, description: 'Processor time that it has taken, ms' }),
    yields: nullable(
      Type.Boolean({ description: 'Whether everything else goes first where processors are scarce' }),
    ),
    gang: nullable(Type.String({ description: 'That has used it: see /v1/gangs' })),
    error: OutgoingResource.properties.error,
  },
  { $id: 'Preparation', description: 'What guests that may leave together have in common' },
);
export type PreparationView = Static<typeof PreparationResource>;
