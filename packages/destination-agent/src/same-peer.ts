import { PageferryError } from '@pageferry/errors';

/** The names in the certificate of the host that began a migration; none if it showed no certificate. */
export type PeerNames = readonly string[];

/**
 * Refuses to let another host go on with a migration than the one that began it: whoever knows a migration's id could end
 * it, or fill a guest that lacks pages. A host is known by any of its names, so that its certificate can be renewed.
 *
 * @param begunBy nothing is known of a migration without a certificate, or of an earlier version of this agent
 * @throws `peer-not-trusted`
 */
export function requireSamePeer(id: string, begunBy: PeerNames | undefined, names: PeerNames): void {
  if (begunBy === undefined || begunBy.length === 0) return;
  if (begunBy.some((name) => names.includes(name))) return;
  throw new PageferryError(
    'peer-not-trusted',
    `the migration ${id} was begun by another host than ${names.join(', ') || 'one without a certificate'}: ` +
      'only the host that began it may go on with it',
  );
}
