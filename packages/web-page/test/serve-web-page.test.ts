import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { packagedFiles, pageFiles } from '../src/page-files.js';
import { servedPage } from './support/served-page.js';
import { TOKEN, tokenAccess } from './support/token-access.js';

const IMPORT = /^(?:import|export) (?:[^'"\n]* from )?["']([^"']+)["'];$/gm;

describe('the page', () => {
  test('is served with a policy that lets in nothing from elsewhere', async () => {
    const { url } = await servedPage();
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    const policy = response.headers.get('content-security-policy')?.split('; ');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy?.join()).not.toContain('unsafe');
  });

  test('is not sent again to whoever has it', async () => {
    const { url } = await servedPage();
    const tag = (await fetch(url)).headers.get('etag') ?? '';
    const again = await fetch(url, { headers: { 'if-none-match': tag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect((await fetch(url, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  test('is what it consists of, and nothing else that lies here', async () => {
    const { url } = await servedPage();
    for (const path of [
      '/page/',
      '/page/package.json',
      '/page/..%2fpackage.json',
      '/page/main.js%00',
      '/page/main.d.ts',
    ]) {
      const response = await fetch(new URL(path, url));
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    }
  });

  test('has all that it refers to, and no more', async () => {
    const { url } = await servedPage();
    const wanted = ['/'];
    const seen = new Set<string>(wanted);
    for (const path of wanted) {
      const response = await fetch(new URL(path, url));
      expect([path, response.status]).toEqual([path, 200]);
      const text = await response.text();
      const referred = path === '/' ? text.matchAll(/(?:href|src)="(page\/[^"]+)"/g) : text.matchAll(IMPORT);
      for (const [, reference = ''] of path.endsWith('.css') ? [] : referred) {
        const { pathname } = new URL(reference, new URL(path, url));
        if (!seen.has(pathname)) wanted.push(pathname);
        seen.add(pathname);
      }
    }
    expect([...seen].sort()).toEqual((await pageFiles()).map((file) => file.url).sort());
  });

  test('needs no token, not even all of it at once, while the API does', async () => {
    const { url } = await servedPage(await tokenAccess());
    const files = await pageFiles();
    const answers = await Promise.all(files.map((file) => fetch(new URL(file.url, url))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const statusOf = async (headers = {}): Promise<number> =>
      (await fetch(new URL('/v1/migrations', url), { headers })).status;
    expect(await statusOf()).toBe(401);
    expect(await statusOf({ authorization: `Bearer ${TOKEN}` })).toBe(200);
  });
});

test('a package of the program is told of every file, and of those by which they are found', async () => {
  const files = await packagedFiles();
  const names = files.map(({ packaged }) => packaged);
  expect(names).toContain('@pageferry/web-page/package.json');
  expect(names).toContain('uplot/dist/uPlot.esm.js');
  expect(names).toContain('@pageferry/web-page/dist/browser/main.js');
  for (const { path } of files) await expect(readFile(path)).resolves.not.toHaveLength(0);
});
