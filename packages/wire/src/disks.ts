import { Type, type Static } from '@sinclair/typebox';

/** Disks of one guest that are spoken of. */
export const MAX_DISKS = 64;
/** Pages of one disk by which it is told from others. */
export const MAX_DISK_SAMPLES = 16;

const closed = { additionalProperties: false } as const;

/** A disk of the guest's. */
export const WireDisk = Type.Object(
  {
    name: Type.String({ maxLength: 256 }),
    /** As the guest sees it. */
    bytes: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  closed,
);
export type WireDisk = Static<typeof WireDisk>;

/** A page that the guest has of its disk. */
const DiskSample = Type.Object(
  {
    /** bytes */
    offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, multipleOf: 512 }),
    /** xxHash64 (seed 0), in 16 digits. */
    hash: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  },
  closed,
);
export type DiskSample = Static<typeof DiskSample>;

/** A disk of the guest's, and what the guest's page cache says of it. */
export const SampledDisk = Type.Object(
  {
    ...WireDisk.properties,
    /** SHA-256 of what the source's QEMU calls its image, in 64 digits; left out where that is not known. */
    image: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    samples: Type.Array(DiskSample, { maxItems: MAX_DISK_SAMPLES }),
  },
  closed,
);
export type SampledDisk = Static<typeof SampledDisk>;

const SampleCount = Type.Integer({ minimum: 0, maximum: MAX_DISK_SAMPLES });

/** What a disk of the guest's was compared with: of the destination's disks that are as long, the one that has most of it. */
export const ComparedDisk = Type.Object(
  {
    /** The destination's disk; left out where none is as long. */
    there: Type.Optional(WireDisk.properties.name),
    /** Whether its QEMU calls the image as the source's does. */
    sameImage: Type.Boolean(),
    /** Samples that it has; that it has otherwise; that could not be read, or not in time. */
    equal: SampleCount,
    different: SampleCount,
    unreadable: SampleCount,
  },
  closed,
);
export type ComparedDisk = Static<typeof ComparedDisk>;
