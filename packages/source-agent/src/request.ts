import { GUEST_NAME_PATTERN } from '@pageferry/daemon';
import { Type, type Static } from '@sinclair/typebox';

const GuestName = Type.String({ pattern: GUEST_NAME_PATTERN });

/** The body of `POST /v1/migrations`. */
export const MigrationRequest = Type.Object(
  {
    guest: GuestName,
    destination: Type.Object(
      {
        /** The destination agent's stream listener. */
        url: Type.String({ pattern: '^wss?://[^/?#]+/?$', maxLength: 256 }),
        /** The waiting QEMU's name there; by default the guest's. */
        guest: Type.Optional(GuestName),
      },
      { additionalProperties: false },
    ),
    mode: Type.Union([Type.Literal('precopy'), Type.Literal('postcopy'), Type.Literal('hybrid')], {
      default: 'hybrid',
    }),
    /** Longest time that pre-copy may stop the guest for, ms. */
    downtimeLimitMs: Type.Integer({ minimum: 1, maximum: 60_000, default: 300 }),
    /** Pre-copy that takes longer is given up, or in hybrid mode ended by post-copy, ms. */
    timeLimitMs: Type.Integer({ minimum: 1_000, maximum: 7 * 86_400_000, default: 3_600_000 }),
    /** What becomes of the source's QEMU when the guest has arrived: it is ended, or stays there, stopped. */
    sourceAfter: Type.Union([Type.Literal('quit'), Type.Literal('keep')], { default: 'quit' }),
  },
  { additionalProperties: false },
);

export type MigrationRequest = Static<typeof MigrationRequest>;
