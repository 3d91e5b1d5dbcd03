import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const P256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'] as const;

/** A certificate and its key, as files and as PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
  readonly pem: { readonly cert: string; readonly key: string };
}

/** An authority of a test's own, made by openssl as docs/security.md tells operators to. */
export class TestAuthority {
  /** The file. */
  readonly certificate: string;
  readonly pem: string;
  readonly #directory: string;
  readonly #key: string;

  private constructor(directory: string, certificate: string, key: string, pem: string) {
    this.#directory = directory;
    this.certificate = certificate;
    this.#key = key;
    this.pem = pem;
  }

  static async create(directory: string, name = 'authority'): Promise<TestAuthority> {
    const certificate = join(directory, `${name}.pem`);
    const key = join(directory, `${name}.key`);
    const subject = ['-subj', `/CN=${name}`, '-days', '2', '-keyout', key, '-out', certificate];
    await run('openssl', ['req', '-x509', ...P256, ...subject]);
    return new TestAuthority(directory, certificate, key, await readFile(certificate, 'utf8'));
  }

  /**
   * @param names as in openssl's `subjectAltName`; no extension if there are none
   * @param days that it is valid: fewer than 0 if it has expired
   */
  async issue(file: string, names: readonly string[], days = 1): Promise<Issued> {
    const path = (ending: string): string => join(this.#directory, `${file}.${ending}`);
    const [certificate, key, request, extensions] = [path('pem'), path('key'), path('csr'), path('ext')];
    await run('openssl', ['req', '-new', ...P256, '-subj', `/CN=${file}`, '-keyout', key, '-out', request]);
    const alternatives = names.length === 0 ? '' : `subjectAltName=${names.join(',')}\n`;
    await writeFile(extensions, `${alternatives}extendedKeyUsage=serverAuth,clientAuth\n`);
    await run('openssl', [
      ...['x509', '-req', '-in', request, '-days', String(days), '-extfile', extensions, '-out', certificate],
      ...['-CA', this.certificate, '-CAkey', this.#key],
    ]);
    const [cert, secret] = await Promise.all([readFile(certificate, 'utf8'), readFile(key, 'utf8')]);
    return { certificate, key, pem: { cert, key: secret } };
  }

  /**
   * A list of what this authority has revoked so far, and of `revoked`.
   * @param until when the next one is to come, as openssl takes it
   * @returns the file, and its content
   */
  async revoke(
    revoked: readonly Issued[],
    until = '20991231000000Z',
  ): Promise<{ readonly file: string; readonly pem: string }> {
    const [database, settings, file] = ['index', 'cnf', 'crl'].map(
      (ending) => `${this.certificate}.${ending}`,
    );
    if (database === undefined || settings === undefined || file === undefined)
      throw new Error('unreachable');
    await writeFile(database, '', { flag: 'a' });
    await writeFile(settings, `[ca]\ndefault_ca = it\n[it]\ndatabase = ${database}\ndefault_md = sha256\n`);
    const ca = ['ca', '-config', settings, '-cert', this.certificate, '-keyfile', this.#key];
    for (const { certificate } of revoked) await run('openssl', [...ca, '-revoke', certificate]);
    const dates = ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', until];
    await run('openssl', [...ca, '-gencrl', ...dates, '-out', file]);
    return { file, pem: await readFile(file, 'utf8') };
  }
}
