const PREFIX = '#/migrations/';

/** The address of a migration on this page. */
export const addressOf = (id: string): string => `${PREFIX}${encodeURIComponent(id)}`;

/** The migration that an address names; undefined for the list. */
export function openedBy(hash: string): string | undefined {
  if (!hash.startsWith(PREFIX)) return undefined;
  try {
    const id = decodeURIComponent(hash.slice(PREFIX.length));
    return id === '' ? undefined : id;
  } catch {
    return undefined;
  }
}
