import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { Problem } from './schemas.js';

// As in schemas.ts, only what this command looks at.

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Amount = Type.Number({ minimum: 0 });

/** A guest of a gang. Times in ms. */
export const Member = Type.Object({
  guest: Type.String(),
  state: Type.String(),
  migration: nullable(Type.String()),
  migrationState: nullable(Type.String()),
  attempts: Amount,
  memory: nullable(Type.Object({ bytes: Amount, pages: Amount })),
  remainingPages: Amount,
  downtimeMs: nullable(Amount),
  totalMs: nullable(Amount),
  sentBytes: Amount,
  error: nullable(Problem),
});
export type Member = Static<typeof Member>;

/** Guests that leave together. Times in ms, rates in bytes a second. */
export const Gang = Type.Object({
  id: Type.String({ minLength: 1 }),
  destination: Type.Object({ url: Type.String() }),
  mode: Type.String(),
  state: Type.String(),
  /** Since the epoch. */
  startedAt: Amount,
  totalMs: Amount,
  atOnce: Amount,
  bandwidthCap: Amount,
  guests: Type.Array(Member),
  sent: Type.Object({
    bytes: Amount,
    /** By how they went. */
    pages: Type.Record(Type.String(), Amount),
  }),
  /** That it uses; older agents know of none. */
  preparation: Type.Optional(nullable(Type.String())),
  bandwidth: nullable(Amount),
});
export type Gang = Static<typeof Gang>;
