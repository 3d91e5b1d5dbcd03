import { PageferryError } from '@pageferry/errors';
import type { ComparedDisk } from '@pageferry/wire';
import { Type, type Static } from '@sinclair/typebox';
import { DIFFERENT_SHARE } from './disk-match.js';
import type { SampledDisks } from './sample-disks.js';

const Count = Type.Integer({ minimum: 0 });

const DiskState = Type.Union(
  [
    Type.Literal('shared'),
    Type.Literal('different'),
    Type.Literal('unreadable'),
    Type.Literal('same-length'),
    Type.Literal('absent'),
  ],
  {
    description:
      "Whether the destination has it: a disk there has what the guest's cache says; those that are as long have other contents; " +
      "they cannot be read; one is as long, and nothing more is known, as nothing of the guest's disk is; none is as long",
  },
);

/** What a dry run says of page cache from disks that both hosts share. */
export const DiskReport = Type.Object(
  {
    reason: Type.Union([
      Type.String({ description: 'Why no disk could be compared by its content; null if one could' }),
      Type.Null(),
    ]),
    disks: Type.Array(
      Type.Object({
        name: Type.String({
          description: "As the guest names it; as QEMU does if nothing of it was seen in the guest's cache",
        }),
        bytes: Count,
        state: DiskState,
        there: Type.Union([
          Type.String({ description: "The destination's disk, as its QEMU names it" }),
          Type.Null(),
        ]),
        sameImage: Type.Boolean({ description: 'Whether both QEMUs name the image alike' }),
        samples: Type.Object(
          { equal: Count, different: Count, unreadable: Count },
          { description: "Blocks that were read there, and compared with the guest's cache" },
        ),
      }),
      { description: "The guest's disks" },
    ),
  },
  { description: 'Which disks page cache can come from, and how that is known' },
);
export type DiskReport = Static<typeof DiskReport>;

/**
 * @param compared what the destination says of each disk; undefined if it reads none
 * @throws `protocol-violation`
 */
export function diskReport(
  { disks, reason }: SampledDisks,
  compared: readonly ComparedDisk[] | undefined,
): DiskReport {
  if (compared === undefined) {
    return { reason: 'the destination reads no disks: "storage" is off in its configuration', disks: [] };
  }
  if (compared.length !== disks.length) {
    throw new PageferryError(
      'protocol-violation',
      `the destination has compared ${compared.length} disks of ${disks.length}`,
    );
  }
  return {
    reason,
    disks: compared.map((comparison, number) => {
      const { there = null, sameImage, equal, different, unreadable } = comparison;
      const { name = '', bytes = 0 } = disks[number] ?? {};
      const samples = { equal, different, unreadable };
      return { name, bytes, state: stateOf(comparison), there, sameImage, samples };
    }),
  };
}

/** As a migration would find out. */
function stateOf({ there, equal, different, unreadable }: ComparedDisk): Static<typeof DiskState> {
  if (there === undefined) return 'absent';
  const samples = equal + different + unreadable;
  if (samples === 0) return 'same-length';
  if (samples - equal <= samples * DIFFERENT_SHARE) return 'shared';
  return unreadable > different ? 'unreadable' : 'different';
}
