import { PageferryError, asPageferryError } from '@pageferry/errors';

/** What node calls a certificate that it does not accept (its documentation, "X509 certificate error codes"). */
const NOT_ACCEPTED: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'HOSTNAME_MISMATCH',
]);
/** What it calls a list of revoked certificates that it cannot use: of each authority of the chain there must be one. */
const NO_LIST: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'CRL_SIGNATURE_FAILURE',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
]);
const REVOKED = 'CERT_REVOKED';
const OTHER_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';
const NO_TLS: ReadonlySet<string> = new Set([
  'EPROTO',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
]);

/** Why no connection to the destination came about, as an error of ours that says what to look at. */
export function connectError(url: string, thrown: unknown): PageferryError {
  // The destination's own word.
  if (thrown instanceof PageferryError && thrown.host === 'destination') return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const { message } = asPageferryError(thrown);
  if (code === OTHER_NAME) {
    return notTrusted(`the certificate at ${url} is of another host: ${message}`, thrown);
  }
  if (code === REVOKED) {
    const message = `the certificate at ${url} has been revoked, by a list in tlsRevocationList`;
    return new PageferryError('peer-revoked', message, { host: 'source', cause: thrown });
  }
  if (NO_LIST.has(code)) {
    const why = `tlsRevocationList has no list that can be used for the certificate at ${url}: ${message} (${code})`;
    return notTrusted(why, thrown);
  }
  if (NOT_ACCEPTED.has(code)) {
    const why = `the certificate at ${url} is not accepted here: ${message} (${code})`;
    return notTrusted(`${why}; does it come from an authority in tlsAuthority?`, thrown);
  }
  const isSecure = url.startsWith('wss:');
  const why =
    isSecure && NO_TLS.has(code) ? 'what answers does not speak TLS' : message || 'connection refused';
  // One end with TLS and one without understand nothing of each other.
  const hint =
    !isSecure && (code === 'ECONNRESET' || code.startsWith('HPE_')) ? ', without TLS (with it: wss://)' : '';
  return new PageferryError(
    'peer-unreachable',
    `no destination agent answers at ${url}: ${why}; ` +
      `is pageferry-destination-agent running there, and is this its stream address${hint}?`,
    { cause: thrown },
  );
}

function notTrusted(message: string, cause: unknown): PageferryError {
  return new PageferryError('peer-not-trusted', message, { host: 'source', cause });
}
