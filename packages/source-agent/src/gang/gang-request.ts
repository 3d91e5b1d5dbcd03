import { Type, type Static } from '@sinclair/typebox';
import { MigrationRequest } from '../request.js';

const MOST_GUESTS = 256;
const {
  guest,
  destination,
  mode,
  downtimeLimitMs,
  timeLimitMs,
  whenStalled,
  pageFilter,
  storage,
  sourceAfter,
} = MigrationRequest.properties;

/** The body of `POST /v1/gangs`: guests that leave for one destination together. */
export const GangRequest = Type.Object(
  {
    guests: Type.Union(
      [
        Type.Array(guest, { minItems: 1, maxItems: MOST_GUESTS, uniqueItems: true }),
        Type.Literal('all', { description: 'Those of this host that can be migrated' }),
      ],
      { description: 'In the order in which they move' },
    ),
    destination: Type.Object({ url: destination.properties.url }, { additionalProperties: false }),
    mode,
    downtimeLimitMs,
    timeLimitMs,
    whenStalled,
    pageFilter,
    storage,
    sourceAfter,
    bandwidthCap: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000_000,
      default: 0,
      description: 'For all of them together, bytes a second; 0 for none',
    }),
    atOnce: Type.Integer({
      minimum: 1,
      maximum: 64,
      default: 2,
      description: 'Guests under way at once; the first of them has the link, the others what it leaves',
    }),
    whenOneFails: Type.Union([Type.Literal('continue'), Type.Literal('stop')], {
      default: 'continue',
      description: 'Whether those that have not moved yet go on then',
    }),
    share: Type.Boolean({
      default: true,
      description: 'Whether what the guests have in common is sent only once',
    }),
  },
  { additionalProperties: false },
);
export type GangRequest = Static<typeof GangRequest>;

/** The body of `PATCH /v1/gangs/ID`: what may change while it runs. */
export const GangChange = Type.Object(
  {
    bandwidthCap: Type.Optional(GangRequest.properties.bandwidthCap),
    atOnce: Type.Optional(GangRequest.properties.atOnce),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type GangChange = Static<typeof GangChange>;

/** What the migration of one of the guests is to be. */
export function memberRequest(guestName: string, gang: GangRequest): MigrationRequest {
  const { destination: there, mode: how, whenStalled: stalled, pageFilter: filter } = gang;
  return {
    guest: guestName,
    destination: there,
    mode: how,
    downtimeLimitMs: gang.downtimeLimitMs,
    timeLimitMs: gang.timeLimitMs,
    sourceAfter: gang.sourceAfter,
    ...(stalled !== undefined && { whenStalled: stalled }),
    ...(filter !== undefined && { pageFilter: filter }),
    ...(gang.storage !== undefined && { storage: gang.storage }),
  };
}
