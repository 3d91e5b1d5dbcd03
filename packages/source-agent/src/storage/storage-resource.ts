import { Type, type Static } from '@sinclair/typebox';

const Count = Type.Integer({ minimum: 0 });

/** Pages of cache that come from disks that both hosts share. */
export const StorageResource = Type.Object(
  {
    disks: Type.Array(
      Type.Object({
        name: Type.String({ description: 'As the guest names it' }),
        bytes: Count,
        state: Type.Union(
          [
            Type.Literal('untried'),
            Type.Literal('trying'),
            Type.Literal('shared'),
            Type.Literal('different'),
          ],
          {
            description:
              "Whether the destination has it: not tried yet; being tried; a disk of its has what the guest's cache says; none has",
          },
        ),
      }),
      { description: "The guest's disks whose page cache was found" },
    ),
    mapped: Type.Integer({
      minimum: 0,
      description: 'Pages of which it is known where they lie on disks, when the guest was looked into last',
    }),
    restored: Type.Integer({ minimum: 0, description: 'Pages that the destination has from its storage' }),
    unrestored: Type.Integer({
      minimum: 0,
      description: 'Pages that its storage had otherwise, or could not read: they were sent',
    }),
  },
  { description: 'Page cache from disks that both hosts share' },
);
export type StorageView = Static<typeof StorageResource>;
