/** What one end of the link proves itself with, and by whose word it believes the other; PEM. */
export interface LinkIdentity {
  /** Certificate, and those between it and the authority. */
  readonly cert: string;
  readonly key: string;
  /** The authorities that the other end's certificate may come from; without one nobody is believed. */
  readonly ca: string | undefined;
  /** What these authorities have revoked, one list of each; without any nothing counts as revoked. */
  readonly crl?: readonly string[] | undefined;
}

/** For node's TLS; the public authorities that node knows have no say. */
export function tlsOptions({ cert, key, ca, crl }: LinkIdentity): {
  readonly cert: string;
  readonly key: string;
  readonly ca: string[];
  readonly crl?: string[];
  readonly minVersion: 'TLSv1.3';
} {
  const authorities = ca === undefined ? [] : [ca];
  return { cert, key, ca: authorities, ...(crl && { crl: [...crl] }), minVersion: 'TLSv1.3' };
}
