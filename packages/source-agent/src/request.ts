import { GUEST_NAME_PATTERN } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { Type, type Static } from '@sinclair/typebox';
import type { FilteredPages } from './page-filter/page-filter.js';

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

const DowntimeLimit = { minimum: 1, maximum: 60_000 } as const;
const TimeLimit = { minimum: 1_000, maximum: 7 * 86_400_000 } as const;
export const WhenStalled = Type.Union([
  Type.Literal('postcopy'),
  Type.Literal('stop'),
  Type.Literal('cancel'),
]);
export type WhenStalled = Static<typeof WhenStalled>;

/** See `PageFilter`; by default both are wanted. */
const PageFilterRequest = Type.Object(
  {
    free: Type.Optional(Type.Boolean({ description: 'Free pages of a guest that is known go as zeroes' })),
    cache: Type.Optional(
      Type.Boolean({
        description: 'Clean page cache of a guest that is known goes last, and in hybrid mode by post-copy',
      }),
    ),
  },
  { additionalProperties: false },
);

/** Of a WebSocket, without path, user and password. */
const ORIGIN_PATTERN = '^wss?://(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?/?$';

const GuestName = Type.String({ pattern: GUEST_NAME_PATTERN });

/** What a migration is to be. */
export const MigrationRequest = Type.Object(
  {
    guest: GuestName,
    destination: Type.Object(
      {
        /** The destination agent's stream listener. */
        url: Type.String({ pattern: ORIGIN_PATTERN, maxLength: 256 }),
        /** The waiting QEMU's name there; by default the guest's. */
        guest: Type.Optional(GuestName),
      },
      { additionalProperties: false },
    ),
    mode: Type.Union([Type.Literal('precopy'), Type.Literal('postcopy'), Type.Literal('hybrid')], {
      default: 'hybrid',
    }),
    /** Longest time that pre-copy may stop the guest for, ms. */
    downtimeLimitMs: Type.Integer({ ...DowntimeLimit, default: 300 }),
    /** Of pre-copy, ms: what happens then is up to `whenStalled`. */
    timeLimitMs: Type.Integer({ ...TimeLimit, default: 3_600_000 }),
    /**
     * When more pre-copy would not get the rest below the downtime limit, or takes too long: the rest goes by post-copy
     * (only in hybrid mode, and its default), the guest is stopped for as long as it takes, or the migration is given up
     * (the default of pre-copy).
     */
    whenStalled: Type.Optional(WhenStalled),
    /** Limits on the bandwidth before and after the switch-over, bytes a second; 0, the default, for none. */
    bandwidthCaps: Type.Optional(Caps),
    /** What of the guest's memory is not sent, or last, by what its kernel uses it for. */
    pageFilter: Type.Optional(PageFilterRequest),
    /** Whether page cache may come from a disk that both hosts share, as by default (`auto`). */
    storage: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('off')])),
    /** What becomes of the source's QEMU when the guest has arrived: it is ended, or stays there, stopped. */
    sourceAfter: Type.Union([Type.Literal('quit'), Type.Literal('keep')], { default: 'quit' }),
  },
  { additionalProperties: false },
);

export type MigrationRequest = Static<typeof MigrationRequest>;

/** The body of `POST /v1/migrations`. */
export const StartRequest = Type.Object(
  {
    ...MigrationRequest.properties,
    dryRun: Type.Optional(
      Type.Boolean({ description: 'Only answers what would keep the guest from moving; nothing moves' }),
    ),
  },
  { additionalProperties: false },
);

/** The body of `PATCH /v1/migrations/ID`: what may change while it runs. */
export const MigrationChange = Type.Object(
  {
    bandwidthCaps: Type.Optional(Caps),
    downtimeLimitMs: Type.Optional(Type.Integer(DowntimeLimit)),
    timeLimitMs: Type.Optional(Type.Integer(TimeLimit)),
    whenStalled: Type.Optional(WhenStalled),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type MigrationChange = Static<typeof MigrationChange>;

/** How the rest of a guest that is stopped by request goes: before it runs there, or after. */
export const SwitchOverWith = Type.Union([Type.Literal('stop'), Type.Literal('postcopy')]);
export type SwitchOverWith = Static<typeof SwitchOverWith>;

/** The body of `POST /v1/migrations/ID/switchover`; without one the rest goes as the request says. */
export const SwitchOverRequest = Type.Object(
  { with: Type.Optional(SwitchOverWith) },
  { additionalProperties: false, default: {} },
);

/** Error: `request-invalid`, for what the schema cannot say. */
export function refuseContradiction({ destination: { url }, mode, whenStalled }: MigrationRequest): void {
  if (!URL.canParse(url))
    throw new PageferryError('request-invalid', `destination.url: ${url} has no valid host or port`);
  if (whenStalled !== 'postcopy' || mode === 'hybrid') return;
  throw new PageferryError(
    'request-invalid',
    `"whenStalled": "postcopy" does not fit the mode "${mode}": only "hybrid" begins with pre-copy and ends with post-copy`,
  );
}

/** What the request says about pages that the guest can do without. */
export function filteredPages({ pageFilter }: MigrationRequest): FilteredPages {
  return { free: true, cache: true, ...pageFilter };
}

/** Whether page cache, which goes last then, may come from a disk that both hosts share. */
export function wantsStorage(request: MigrationRequest): boolean {
  return request.storage !== 'off';
}

/** What the request, or the mode's default, says about pre-copy that does not pay. */
export function whenStalled(request: MigrationRequest): WhenStalled {
  return request.whenStalled ?? (request.mode === 'hybrid' ? 'postcopy' : 'cancel');
}
