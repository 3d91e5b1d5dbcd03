import { Type, type Static } from '@sinclair/typebox';
import { GangRequest } from '../gang/gang-request.js';

const GIB = 1024 * 1024 * 1024;

/** The body of `POST /v1/preparations`: guests of which it is found out beforehand what they have in common. */
export const PreparationRequest = Type.Object(
  {
    guests: GangRequest.properties.guests,
    processorShare: Type.Number({
      minimum: 0.1,
      maximum: 100,
      default: 5,
      description: 'Most processor time for it, in percent of one processor',
    }),
    lifetimeSeconds: Type.Integer({
      minimum: 1,
      maximum: 7 * 86_400,
      default: 3600,
      description: 'How long it is kept, and kept up to date, if no gang uses it',
    }),
    memoryBytes: Type.Integer({
      minimum: 0,
      maximum: 4 * GIB,
      default: GIB / 4,
      description: 'Most memory for it: it takes 21 bytes for each page of 4 KiB of the guests',
    }),
  },
  { additionalProperties: false },
);
export type PreparationRequest = Static<typeof PreparationRequest>;
