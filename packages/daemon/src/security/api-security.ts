import { Type, type Static, type TObject } from '@sinclair/typebox';
import { asPageferryError } from '@pageferry/errors';
import { addRule } from '../configuration-rules.js';
import { flagOf } from '../key-names.js';
import type { Logger } from '../log.js';
import { ApiToken } from './api-token.js';
import type { FileReloader, Reloaded } from './file-reloader.js';
import { isLoopback } from './loopback.js';
import { settingPath, type SettingFile } from './setting-file.js';
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from './tls-material.js';
import { watchTls } from './watch-tls.js';

const FILE = 'or credential:NAME, of the systemd unit';

/** The keys about who may use the API: to be spread into a daemon's schema. */
export const apiSecuritySettings = {
  apiTlsCertificate: Type.Optional(
    Type.String({ description: `File with the certificate of the HTTP API and its chain, PEM, ${FILE}` }),
  ),
  apiTlsKey: Type.Optional(
    Type.String({ description: `File with the key of that certificate, PEM, ${FILE}` }),
  ),
  apiTokenFile: Type.Optional(
    Type.String({
      description: `File with the tokens that the HTTP API asks its clients for, one a line, ${FILE}`,
    }),
  ),
};

const ApiSettings = Type.Object({ apiHost: Type.String(), ...apiSecuritySettings });
type ApiSettings = Static<typeof ApiSettings>;

/** Who may use the API, and by what it proves itself. */
export interface ApiAccess {
  readonly tls?: Reloaded<TlsMaterial> | undefined;
  readonly token?: Reloaded<ApiToken> | undefined;
}

/** Has a configuration refused that would serve the API to others without TLS and a token, or with files of no use. */
export function secureApi(schema: TObject): void {
  addRule(schema, ApiSettings, (settings) => [...exposure(settings), ...unusableFiles(settings)]);
}

/** Error: `configuration-invalid`. */
export function openApiAccess(settings: ApiSettings, reloader: FileReloader, log: Logger): ApiAccess {
  const files = tlsFiles(settings);
  const token = tokenFile(settings);
  return {
    tls: files && watchTls(reloader, log, 'TLS of the API', files),
    token:
      token &&
      reloader.watch({
        what: 'tokens of the API',
        paths: [settingPath(token)],
        read: () => ApiToken.read(token),
      }),
  };
}

/** The URL of a server by what it says itself, which knows nothing of TLS. */
export function apiUrl(address: string, { tls }: ApiAccess): string {
  return tls === undefined ? address : address.replace(/^http:/, 'https:');
}

function exposure({ apiHost, apiTlsCertificate, apiTlsKey, apiTokenFile }: ApiSettings): string[] {
  const findings: string[] = [];
  const encrypted = apiTlsCertificate !== undefined || apiTlsKey !== undefined;
  if (encrypted && apiTlsCertificate === undefined) findings.push('apiTlsCertificate: apiTlsKey needs it');
  if (encrypted && apiTlsKey === undefined) findings.push('apiTlsKey: apiTlsCertificate needs it');
  if (isLoopback(apiHost)) return findings;
  const reach = `apiHost: ${apiHost} can be reached from other hosts`;
  const elseLocal = `or leave it at 127.0.0.1`;
  if (!encrypted) {
    findings.push(
      `${reach}, so it takes TLS: give ${flagOf('apiTlsCertificate')} and ${flagOf('apiTlsKey')}, ${elseLocal}`,
    );
  }
  if (apiTokenFile === undefined) {
    findings.push(
      `${reach}, so it takes a token: give ${flagOf('apiTokenFile')} (openssl rand -hex 32 makes one), ${elseLocal}`,
    );
  }
  return findings;
}

function unusableFiles(settings: ApiSettings): readonly string[] {
  const files = tlsFiles(settings);
  const token = tokenFile(settings);
  return [
    ...(files === undefined ? [] : findingsOfReading(() => readTlsMaterial(files))),
    ...(token === undefined ? [] : findingsOfReading(() => ApiToken.read(token))),
  ];
}

/** What is wrong with files, as findings. */
export function findingsOfReading(read: () => unknown): readonly string[] {
  try {
    read();
    return [];
  } catch (thrown) {
    const { findings, message } = asPageferryError(thrown);
    return findings.length > 0 ? findings : [message];
  }
}

function tlsFiles({ apiTlsCertificate, apiTlsKey }: ApiSettings): TlsFiles | undefined {
  if (apiTlsCertificate === undefined || apiTlsKey === undefined) return undefined;
  return {
    certificate: { setting: 'apiTlsCertificate', value: apiTlsCertificate },
    key: { setting: 'apiTlsKey', value: apiTlsKey },
  };
}

function tokenFile({ apiTokenFile }: ApiSettings): SettingFile | undefined {
  return apiTokenFile === undefined ? undefined : { setting: 'apiTokenFile', value: apiTokenFile };
}
