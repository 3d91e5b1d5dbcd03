import { writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { FileReloader, createHttpServer, openApiAccess, type HttpServerOptions } from '../../src/index.js';
import { TestAuthority } from './certificates.js';
import { recordingLog } from './log-lines.js';
import { temporaryDirectory } from './temporary-directory.js';

export const TOKEN = 'correct-horse-battery-staple-0123456789';

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Of the certificate that the server has shown. */
  readonly names: string | undefined;
}

export interface SecuredApi {
  readonly port: number;
  readonly authority: TestAuthority;
  /** The files that it was given. */
  readonly files: { readonly certificate: string; readonly key: string; readonly token: string };
  readonly lines: Record<string, unknown>[];
  readonly get: (
    path: string,
    token?: string,
    options?: { readonly maxVersion?: 'TLSv1.2' },
  ) => Promise<Answer>;
}

/** The API of a daemon with TLS and a token, on a socket. */
export async function securedApi(options: Partial<HttpServerOptions> = {}): Promise<SecuredApi> {
  const directory = await temporaryDirectory();
  const authority = await TestAuthority.create(directory);
  const { certificate, key } = await authority.issue('api', ['DNS:localhost']);
  const files = { certificate, key, token: join(directory, 'token') };
  await writeFile(files.token, TOKEN, { mode: 0o600 });
  const { log, lines } = recordingLog();
  // Only SIGHUP has it look again.
  const reloader = new FileReloader(log, 3_600_000);
  const access = openApiAccess(
    { apiHost: '127.0.0.1', apiTlsCertificate: certificate, apiTlsKey: key, apiTokenFile: files.token },
    reloader,
    log,
  );
  const server = createHttpServer({ log, host: 'source', access, ...options });
  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/v1/secret', () => ({ secret: 42 }));
  await server.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    reloader.close();
    await server.close();
  });
  const [address] = server.addresses();
  if (typeof address !== 'object') throw new Error('the server does not listen');
  const { port } = address;
  const get: SecuredApi['get'] = async (path, token, { maxVersion } = {}) => {
    const request = httpsRequest(`https://localhost:${port}${path}`, {
      ca: authority.pem,
      agent: false,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(maxVersion && { maxVersion }),
    });
    let names: string | undefined;
    request.on('socket', (socket) => {
      socket.on('secureConnect', () => {
        if (socket instanceof TLSSocket) names = socket.getPeerX509Certificate()?.subjectAltName;
      });
    });
    request.end();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    return { status: response.statusCode, headers: response.headers, body: await text(response), names };
  };
  return { port, authority, files, lines, get };
}
