import { Type, type Static, type TObject } from '@sinclair/typebox';
import {
  addRule,
  findingsOfReading,
  isLoopback,
  missingBeside,
  readTlsMaterial,
  tlsFilesOf,
  watchTls,
  type FileReloader,
  type Logger,
  type Reloaded,
  type TlsMaterial,
} from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { LinkIdentity } from '@pageferry/link';

const FILE = 'or credential:NAME, of the systemd unit';

/** The keys about how this host proves itself to destination agents, and believes them. */
export const streamIdentitySettings = {
  tlsCertificate: Type.Optional(
    Type.String({ description: `File with the certificate that destination agents are shown, PEM, ${FILE}` }),
  ),
  tlsKey: Type.Optional(Type.String({ description: `File with the key of that certificate, PEM, ${FILE}` })),
  tlsAuthority: Type.Optional(
    Type.String({
      description: `File with the authorities that the certificates of destination agents come from, PEM, ${FILE}`,
    }),
  ),
  tlsRevocationList: Type.Optional(
    Type.String({
      description: `File with the certificates that each of these authorities has revoked (CRL), PEM, ${FILE}`,
    }),
  ),
};

const IdentitySettings = Type.Object(streamIdentitySettings);
type IdentitySettings = Static<typeof IdentitySettings>;

const keys = ['tlsCertificate', 'tlsKey', 'tlsAuthority'] as const;
const tlsKeys = {
  certificate: 'tlsCertificate',
  key: 'tlsKey',
  authority: 'tlsAuthority',
  revocationList: 'tlsRevocationList',
} as const;

/** Has a configuration refused that has only a part of what TLS takes, or files of no use. */
export function requireWholeIdentity(schema: TObject): void {
  addRule(schema, IdentitySettings, (settings) => {
    const files = tlsFilesOf(settings, tlsKeys);
    return files === undefined
      ? missingBeside(settings, keys, ['tlsRevocationList'])
      : findingsOfReading(() => readTlsMaterial(files));
  });
}

/** How this host proves itself to destination agents. */
export class StreamIdentity {
  readonly #material: Reloaded<TlsMaterial> | undefined;

  /** Error: `configuration-invalid`. */
  constructor(settings: IdentitySettings, reloader: FileReloader, log: Logger) {
    const files = tlsFilesOf(settings, tlsKeys);
    this.#material = files && watchTls(reloader, log, 'TLS towards destinations', files);
  }

  /**
   * What a connection to this URL is to be made with, the newest.
   * @throws `peer-not-trusted` if it would take TLS and there is none, or would do without where there is
   */
  for(url: string): LinkIdentity | undefined {
    const { protocol, hostname } = new URL(url);
    const identity = this.#material?.current;
    if (protocol === 'wss:' && identity === undefined) {
      throw notTrusted(`${url} takes TLS: give this agent ${keys.join(', ')}`);
    }
    if (protocol === 'wss:') return identity;
    if (identity !== undefined && !isLoopback(hostname.replace(/^\[|\]$/g, ''))) {
      throw notTrusted(
        `the guest's memory would leave this host as clear text: use ${url.replace('ws', 'wss')}`,
      );
    }
    return undefined;
  }
}

function notTrusted(message: string): PageferryError {
  return new PageferryError('peer-not-trusted', message, { host: 'source' });
}
