import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type {} from '@fastify/swagger';
import type { HttpServer } from '@pageferry/daemon';
import { pageFiles, type PageFile } from './page-files.js';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** Only what comes from this server; data images are the icon. What is put into the page is text, never markup. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const headers = {
  'cache-control': 'no-cache',
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Serves the page at `/`. There is nothing secret in it, so it is for everyone; the API behind it may ask for a token. */
export function serveWebPage(server: HttpServer): void {
  void server.register(async (scope: HttpServer) => {
    try {
      const files = await Promise.all((await pageFiles()).map(loaded));
      const byUrl = new Map(files.map((file) => [file.url, file]));
      for (const url of ['/', '/page/*']) serve(scope, url, byUrl);
    } catch (thrown) {
      server.log.warn({ err: thrown }, 'the web page is not served: its files cannot be read');
    }
  });
}

interface LoadedFile extends PageFile {
  readonly content: Buffer;
  readonly type: string;
  readonly tag: string;
}

async function loaded(file: PageFile): Promise<LoadedFile> {
  const content = await readFile(file.path);
  const digest = createHash('sha256').update(content).digest('base64url').slice(0, 22);
  const type = contentTypes[extname(file.path)] ?? 'application/octet-stream';
  return { ...file, content, type, tag: `"${digest}"` };
}

/** Only what is in memory is ever answered with: an address is no path. */
function serve(server: HttpServer, url: string, files: ReadonlyMap<string, LoadedFile>): void {
  server.get(url, { schema: { hide: true }, config: { needsNoToken: true } }, (request, reply) => {
    const [address = ''] = request.url.split('?');
    const file = files.get(address);
    if (file === undefined) {
      reply.callNotFound();
      return;
    }
    reply.headers(headers).header('etag', file.tag);
    if (request.headers['if-none-match'] === file.tag) reply.status(304).send();
    else reply.type(file.type).send(file.content);
  });
}
