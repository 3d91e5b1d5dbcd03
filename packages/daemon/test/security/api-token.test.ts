import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ApiToken } from '../../src/security/api-token.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const first = 'a'.repeat(64);
const second = 'B9-._~+/'.repeat(4);

async function tokenOf(content: string): Promise<ApiToken> {
  const value = join(await temporaryDirectory(), 'token');
  await writeFile(value, content, { mode: 0o600 });
  return ApiToken.read({ setting: 'apiTokenFile', value });
}

describe('ApiToken', () => {
  it('accepts each of its tokens, and nothing else', async () => {
    const token = await tokenOf(`${first}\n\n  ${second}\r\n`);
    expect(token.accepts(`Bearer ${first}`)).toBe(true);
    expect(token.accepts(`bearer   ${second} `)).toBe(true);
    for (const wrong of [
      undefined,
      '',
      first,
      `Basic ${first}`,
      'Bearer ',
      `Bearer ${first}a`,
      `Bearer ${first}, ${second}`,
    ])
      expect(token.accepts(wrong)).toBe(false);
  });

  it('has nothing to show of them', async () => {
    const token = await tokenOf(first);
    expect(inspect(token, { depth: 10, showHidden: true }) + JSON.stringify(token)).not.toContain(first);
  });

  it.each([
    ['', /has no token: openssl rand -hex 32 makes one/],
    ['short', /token 1 of .* cannot be used/],
    [`${first}\nwith a space in the middle of it`, /token 2 of/],
    [`${first}\n`.repeat(17), /more than 16/],
  ])('refuses the file %j without showing it', async (content, why) => {
    const reading = tokenOf(content);
    await expect(reading).rejects.toThrow(why);
    await expect(reading).rejects.not.toThrow(/short|in the middle|aaaa/);
  });
});
