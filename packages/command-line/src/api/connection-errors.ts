import { PageferryError } from '@pageferry/errors';

const wayOut: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there: is the agent running, and is --api right?',
  ENOTFOUND: 'the name is not known: check --api',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no way to this network',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer: check --api, and firewalls between here and there',
  UND_ERR_HEADERS_TIMEOUT: 'it takes requests, but does not answer them',
  UND_ERR_SOCKET: 'the connection was closed: if it expects TLS, use https:// in --api',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted: name its authority with --ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted: name its authority with --ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted: name its authority with --ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted: name its authority with --ca',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name than the one in --api',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: use http:// in --api',
};

/** What made a request fail on its way: `api-unreachable`, with what can be done. */
export function unreachable(url: string, thrown: unknown): PageferryError {
  const { code, message } = innermost(thrown);
  const why = (code === undefined ? undefined : wayOut[code]) ?? message;
  return new PageferryError('api-unreachable', `${url} cannot be reached: ${why}`, { cause: thrown });
}

/** Whether the request cannot have reached the agent. */
export function neverArrived(thrown: unknown): boolean {
  const { code } = innermost(thrown);
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'UND_ERR_CONNECT_TIMEOUT';
}

function innermost(thrown: unknown): { readonly code: string | undefined; readonly message: string } {
  let error = thrown;
  // A host with several addresses fails with one error for each.
  for (let depth = 0; depth < 8; depth++) {
    if (error instanceof AggregateError && error.errors.length > 0) error = error.errors[0];
    else if (error instanceof Error && error.cause instanceof Error) error = error.cause;
    else break;
  }
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const code: unknown = 'code' in error ? error.code : undefined;
  return { code: typeof code === 'string' ? code : undefined, message: error.message };
}
