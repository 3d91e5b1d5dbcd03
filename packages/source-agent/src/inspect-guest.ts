import { pageClassNames } from '@pageferry/introspect';
import { Type, type Static } from '@sinclair/typebox';
import { connectGuest, type GuestPlaces } from './guest-monitor.js';
import { pageCounts } from './outgoing-resource.js';
import type { KnownGuests } from './page-filter/known-guests.js';
import { openLinux } from './page-filter/open-linux.js';
import { SourceGuest } from './source-guest.js';

/** Of the map of a guest's memory, one byte each. */
const MOST_CELLS = 65_536;

const Count = Type.Integer({ minimum: 0 });

export const InspectionResource = Type.Object(
  {
    guest: Type.String(),
    kernel: Type.Union([Type.String({ description: "The guest's, as uname -r says it" }), Type.Null()]),
    reason: Type.Union([
      Type.String({ description: 'Why the guest cannot be looked into; null if it can' }),
      Type.Null(),
    ]),
    pages: Type.Union([
      Type.Object(pageCounts, { description: 'Pages of 4 KiB by what they are used for' }),
      Type.Null(),
    ]),
    map: Type.Union([
      Type.Object({
        pagesPerCell: Type.Integer({ minimum: 1 }),
        ranges: Type.Array(Type.Object({ start: Count, length: Count }), {
          description: 'Of guest-physical memory, bytes. Each begins with a cell of its own',
        }),
        cells: Type.String({
          description:
            'What most pages of each cell are, a byte each, in base64: 0 kernel, 1 free, 2 anonymous, 3 inode, 4 cache',
        }),
      }),
      Type.Null(),
    ]),
    lookMs: Type.Number({ minimum: 0, description: 'ms that the look took' }),
  },
  { $id: 'Inspection', description: "What a guest's memory is used for" },
);
export type InspectionView = Static<typeof InspectionResource>;

/**
 * Looks into a guest that is not being migrated, once.
 * @throws what `connectGuest` and `SourceGuest.open` do
 */
export async function inspectGuest(
  places: GuestPlaces,
  name: string,
  known: KnownGuests,
  signal: AbortSignal,
): Promise<InspectionView> {
  const guest = await SourceGuest.open(await connectGuest(places, name, { signal }), signal);
  try {
    const begun = performance.now();
    const { memory, linux, pageTables } = await openLinux(guest, known, signal);
    const looked = linux.kind === 'unsupported' ? linux : await linux.classify({ pageTables, signal });
    const lookMs = performance.now() - begun;
    const kernel = linux.kind === 'unsupported' ? null : linux.release;
    if (looked.kind === 'unsupported') {
      return { guest: name, kernel, reason: looked.reason, pages: null, map: null, lookMs };
    }
    const { classes, counts: pages } = looked;
    return {
      guest: name,
      kernel,
      reason: null,
      pages,
      map: mapOf(classes, memory.pages, memory.ranges),
      lookMs,
    };
  } finally {
    guest.close();
  }
}

function mapOf(
  classes: Uint8Array,
  pieces: readonly { readonly place: number; readonly count: number }[],
  ranges: readonly { readonly start: number; readonly length: number }[],
): NonNullable<InspectionView['map']> {
  // Each range may add a cell that is not full.
  const room = Math.max(MOST_CELLS - pieces.length, 1);
  const pagesPerCell = 2 ** Math.max(Math.ceil(Math.log2(classes.length / room)), 0);
  const cells: number[] = [];
  for (const { place, count } of pieces) {
    for (let first = 0; first < count; first += pagesPerCell) {
      cells.push(mostFrequent(classes, place + first, Math.min(pagesPerCell, count - first)));
    }
  }
  return {
    pagesPerCell,
    ranges: ranges.map(({ start, length }) => ({ start, length })),
    cells: Buffer.from(cells).toString('base64'),
  };
}

function mostFrequent(classes: Uint8Array, first: number, count: number): number {
  const counts = new Uint32Array(pageClassNames.length);
  for (let place = first; place < first + count; place++) {
    const value = classes[place] ?? 0;
    counts[value] = (counts[value] ?? 0) + 1;
  }
  return counts.indexOf(Math.max(...counts));
}
