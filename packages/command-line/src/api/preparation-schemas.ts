import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { Problem } from './schemas.js';

// As in schemas.ts, only what this command looks at.

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Amount = Type.Number({ minimum: 0 });

/** What is found out beforehand of guests that may leave together. Times in ms. */
export const Preparation = Type.Object({
  id: Type.String({ minLength: 1 }),
  state: Type.String(),
  guests: Type.Array(Type.Object({ guest: Type.String(), bytes: Amount, lost: nullable(Type.String()) })),
  /** Since the epoch. */
  expiresAt: Amount,
  indexBytes: Amount,
  pages: Type.Object({ total: Amount, lookedAt: Amount, lone: Amount }),
  processorMs: Amount,
  error: nullable(Problem),
});
export type Preparation = Static<typeof Preparation>;

export const Preparations = Type.Object({ preparations: Type.Array(Preparation) });
