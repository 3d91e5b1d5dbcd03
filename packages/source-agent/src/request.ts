import { GUEST_NAME_PATTERN } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { Type, type Static } from '@sinclair/typebox';

/** Bytes a second; 0 for no limit. */
const Cap = Type.Integer({ minimum: 0, maximum: 1_000_000_000_000 });
const Caps = Type.Object(
  { precopy: Type.Optional(Cap), postcopy: Type.Optional(Cap) },
  { additionalProperties: false },
);

/** Limits on the bandwidth before and after the switch-over, bytes a second; 0 for none. */
export interface BandwidthCaps {
  readonly precopy: number;
  readonly postcopy: number;
}

export const NO_CAPS: BandwidthCaps = { precopy: 0, postcopy: 0 };

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
    /** Of pre-copy, ms: what happens then is up to `whenStalled`. */
    timeLimitMs: Type.Integer({ minimum: 1_000, maximum: 7 * 86_400_000, default: 3_600_000 }),
    /**
     * When more pre-copy would not get the rest below the downtime limit, or takes too long: the rest goes by post-copy
     * (only in hybrid mode, and its default), the guest is stopped for as long as it takes, or the migration is given up
     * (the default of pre-copy).
     */
    whenStalled: Type.Optional(
      Type.Union([Type.Literal('postcopy'), Type.Literal('stop'), Type.Literal('cancel')]),
    ),
    /** Limits on the bandwidth before and after the switch-over, bytes a second; 0, the default, for none. */
    bandwidthCaps: Type.Optional(Caps),
    /** What becomes of the source's QEMU when the guest has arrived: it is ended, or stays there, stopped. */
    sourceAfter: Type.Union([Type.Literal('quit'), Type.Literal('keep')], { default: 'quit' }),
  },
  { additionalProperties: false },
);

export type MigrationRequest = Static<typeof MigrationRequest>;

/** The body of `PATCH /v1/migrations/ID`: what may change while it runs. */
export const MigrationChange = Type.Object({ bandwidthCaps: Caps }, { additionalProperties: false });

export type WhenStalled = NonNullable<MigrationRequest['whenStalled']>;

/** Error: `request-invalid`, for what the schema cannot say. */
export function refuseContradiction({ mode, whenStalled }: MigrationRequest): void {
  if (whenStalled !== 'postcopy' || mode === 'hybrid') return;
  throw new PageferryError(
    'request-invalid',
    `"whenStalled": "postcopy" does not fit the mode "${mode}": only "hybrid" begins with pre-copy and ends with post-copy`,
  );
}

/** What the request, or the mode's default, says about pre-copy that does not pay. */
export function whenStalled(request: MigrationRequest): WhenStalled {
  return request.whenStalled ?? (request.mode === 'hybrid' ? 'postcopy' : 'cancel');
}
