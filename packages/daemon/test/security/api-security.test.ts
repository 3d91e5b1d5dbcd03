import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import { beforeEach, describe, expect, it } from 'vitest';
import { apiSecuritySettings, loadConfiguration, secureApi } from '../../src/index.js';
import { TestAuthority } from '../support/certificates.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const schema = Type.Object(
  {
    apiHost: Type.String({ default: '127.0.0.1' }),
    port: Type.Integer({ default: 1 }),
    ...apiSecuritySettings,
  },
  { additionalProperties: false },
);
secureApi(schema);

let directory: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
});

function findings(...argv: string[]): readonly string[] {
  try {
    loadConfiguration(schema, { name: 'x', description: '', version: '1', argv, env: {} });
    return [];
  } catch (thrown) {
    if (thrown instanceof PageferryError && thrown.code === 'configuration-invalid') return thrown.findings;
    throw thrown;
  }
}

async function token(content = 'a'.repeat(64)): Promise<string> {
  const path = join(directory, 'token');
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

describe('a configuration', () => {
  it('may leave the API without TLS and a token on the loopback', () => {
    expect(findings()).toEqual([]);
    expect(findings('--api-host', '::1')).toEqual([]);
  });

  it.each(['0.0.0.0', '10.0.0.2', '::', 'host.test'])(
    'is refused that serves the API at %s without TLS and without a token: both are findings, with their way out',
    (host) => {
      expect(findings('--api-host', host)).toEqual([
        expect.stringMatching(/^apiHost: .* so it takes TLS: give --api-tls-certificate and --api-tls-key/),
        expect.stringMatching(
          /^apiHost: .* so it takes a token: give --api-token-file \(openssl rand -hex 32/,
        ),
      ]);
    },
  );

  it('is refused that has only one of TLS and a token', async () => {
    const { certificate, key } = await (
      await TestAuthority.create(directory)
    ).issue('api', ['DNS:host.test']);
    const open = ['--api-host', '0.0.0.0'];
    const tls = ['--api-tls-certificate', certificate, '--api-tls-key', key];
    const withToken = ['--api-token-file', await token()];
    expect(findings(...open, ...tls)).toEqual([expect.stringContaining('so it takes a token')]);
    expect(findings(...open, ...withToken)).toEqual([expect.stringContaining('so it takes TLS')]);
    expect(findings(...open, ...tls, ...withToken)).toEqual([]);
  });

  it('is refused with all that is wrong at once, other keys included', async () => {
    expect(
      findings(
        '--api-host=0.0.0.0',
        '--api-tls-key=/none',
        `--api-token-file=${await token('short')}`,
        '--port=x',
      ),
    ).toEqual([
      'apiTlsCertificate: apiTlsKey needs it',
      expect.stringMatching(/^apiTokenFile: .* cannot be used/),
      'port: expected integer',
    ]);
  });

  it('is refused that names files of no use, on the loopback, too', () => {
    expect(findings('--api-tls-certificate=/none', '--api-tls-key=credential:key')).toEqual([
      expect.stringMatching(/^apiTlsCertificate: ENOENT/),
      expect.stringMatching(/^apiTlsKey: .*LoadCredential=key:FILE/),
    ]);
  });
});
