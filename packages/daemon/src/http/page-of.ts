import { PageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';

const MOST_A_PAGE = 100;

/** The query keys of a list that comes in pages: to be spread into its schema. */
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: MOST_A_PAGE, default: 20, description: 'Most on the page' }),
  after: Type.Optional(Type.String({ maxLength: 64, description: 'The `next` of the page before' })),
};

/** One page of a list. */
export interface Page<Item> {
  readonly items: Item[];
  /** What the next page comes after; null if there is none. */
  readonly next: string | null;
}

interface Listed {
  readonly id: string;
  /** ms since the epoch */
  readonly startedAt: number;
}

/** The newest first. Error: `request-invalid`, if the page is to come after something that is not there. */
export function pageOf<Item extends Listed>(
  items: readonly Item[],
  { limit, after }: { readonly limit: number; readonly after?: string },
  isWanted: (item: Item) => boolean,
): Page<Item> {
  const sorted = [...items].sort(
    (one, other) => other.startedAt - one.startedAt || compare(one.id, other.id),
  );
  const before = after === undefined ? -1 : sorted.findIndex(({ id }) => id === after);
  if (after !== undefined && before === -1)
    throw new PageferryError('request-invalid', `there is no ${after} for the page to come after`);
  const rest = sorted.slice(before + 1).filter(isWanted);
  const page = rest.slice(0, limit);
  return { items: page, next: rest.length > limit ? (page.at(-1)?.id ?? null) : null };
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
