import { Type, type Static, type TObject } from '@sinclair/typebox';
import {
  addRule,
  findingsOfReading,
  flagOf,
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
import { isPeerRule } from '@pageferry/link';

const FILE = 'or credential:NAME, of the systemd unit';

/** The keys about who may send guests here. */
export const streamSecuritySettings = {
  streamTlsCertificate: Type.Optional(
    Type.String({ description: `File with the certificate that source agents are shown, PEM, ${FILE}` }),
  ),
  streamTlsKey: Type.Optional(
    Type.String({ description: `File with the key of that certificate, PEM, ${FILE}` }),
  ),
  streamTlsClientAuthority: Type.Optional(
    Type.String({
      description: `File with the authorities that the certificates of source agents come from, PEM, ${FILE}`,
    }),
  ),
  streamTlsRevocationList: Type.Optional(
    Type.String({
      description: `File with the certificates that each of these authorities has revoked (CRL), PEM, ${FILE}`,
    }),
  ),
  streamAllowedPeers: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Names, at least one of them in the certificate of a source agent that may connect: DNS names, *.DOMAIN, URIs',
    }),
  ),
};

const StreamSettings = Type.Object({ streamHost: Type.String(), ...streamSecuritySettings });
type StreamSettings = Static<typeof StreamSettings>;

const tlsKeys = {
  certificate: 'streamTlsCertificate',
  key: 'streamTlsKey',
  authority: 'streamTlsClientAuthority',
  revocationList: 'streamTlsRevocationList',
} as const;
const keys = [tlsKeys.certificate, tlsKeys.key, tlsKeys.authority, 'streamAllowedPeers'] as const;

/** Has a configuration refused by which others than this host could reach a stream without mutual TLS, or with files of no use. */
export function secureStream(schema: TObject): void {
  addRule(schema, StreamSettings, (settings) => [...incomplete(settings), ...useless(settings)]);
}

/** What the listener shows, always the newest, and whom it lets in; undefined without TLS. Error: `configuration-invalid`. */
export function openStreamSecurity(
  settings: StreamSettings,
  reloader: FileReloader,
  log: Logger,
): { readonly identity: Reloaded<TlsMaterial>; readonly allowedPeers: readonly string[] } | undefined {
  const files = tlsFilesOf(settings, tlsKeys);
  if (files === undefined) return undefined;
  const { streamAllowedPeers = [] } = settings;
  return { identity: watchTls(reloader, log, 'TLS of the stream', files), allowedPeers: streamAllowedPeers };
}

function incomplete(settings: StreamSettings): string[] {
  if (isLoopback(settings.streamHost) || keys.some((key) => settings[key] !== undefined))
    return missingBeside(settings, keys, [tlsKeys.revocationList]);
  return [
    `streamHost: ${settings.streamHost} can be reached from other hosts, so it takes mutual TLS: ` +
      `give ${keys.map(flagOf).join(', ')}, or leave it at 127.0.0.1`,
  ];
}

function useless(settings: StreamSettings): readonly string[] {
  const { streamAllowedPeers = [] } = settings;
  const files = tlsFilesOf(settings, tlsKeys);
  return [
    ...streamAllowedPeers
      .filter((rule) => !isPeerRule(rule))
      .map((rule) => `streamAllowedPeers: "${rule}" is neither a DNS name, nor *.DOMAIN, nor a URI`),
    ...(files === undefined ? [] : findingsOfReading(() => readTlsMaterial(files))),
  ];
}
