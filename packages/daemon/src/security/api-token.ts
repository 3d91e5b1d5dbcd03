import { createHash, timingSafeEqual } from 'node:crypto';
import { readSecretFile, unusable, type SettingFile } from './setting-file.js';

/** RFC 6750, 2.1; at least as long as can not be guessed. */
const TOKEN = /^[A-Za-z0-9._~+/-]{22,512}=*$/;
const MOST_TOKENS = 16;
const SCHEME = /^bearer +/i;

/** What a client of the API must show. Only digests are kept, so that no secret can reach a log. */
export class ApiToken {
  readonly #digests: readonly Buffer[];

  private constructor(tokens: readonly string[]) {
    this.#digests = tokens.map(digest);
  }

  /**
   * Reads one token a line: more than one while the token is changed.
   * @throws `configuration-invalid`, without the file's content
   */
  static read(file: SettingFile): ApiToken {
    const tokens = readSecretFile(file)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    const way = 'openssl rand -hex 32 makes one';
    if (tokens.length === 0) throw unusable(file.setting, `${file.value} has no token: ${way}`);
    if (tokens.length > MOST_TOKENS) {
      throw unusable(file.setting, `${file.value} has more than ${MOST_TOKENS} tokens`);
    }
    const wrong = tokens.findIndex((token) => !TOKEN.test(token));
    if (wrong !== -1) {
      const rule = 'a token has from 22 to 512 letters, digits and -._~+/';
      throw unusable(file.setting, `token ${wrong + 1} of ${file.value} cannot be used: ${rule}; ${way}`);
    }
    return new ApiToken(tokens);
  }

  /** @param authorization the header of a request; how long this takes says nothing about the tokens */
  accepts(authorization: string | undefined): boolean {
    if (authorization === undefined || !SCHEME.test(authorization)) return false;
    const shown = digest(authorization.replace(SCHEME, '').trim());
    let accepted = false;
    for (const known of this.#digests) accepted = timingSafeEqual(known, shown) || accepted;
    return accepted;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
