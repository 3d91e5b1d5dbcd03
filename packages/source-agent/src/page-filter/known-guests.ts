import type { KnownLinux } from '@pageferry/introspect';
import { LRUCache } from 'lru-cache';

/** Some kilobytes each. */
const MOST_KNOWN = 256;

/**
 * What was found out of guests when they were looked into, by the identities of their QEMUs (`processIdentity`): whoever looks
 * into one again, as a migration does after its dry run, need not search for its kernel.
 */
export type KnownGuests = LRUCache<string, KnownLinux>;

export function createKnownGuests(): KnownGuests {
  return new LRUCache({ max: MOST_KNOWN });
}
