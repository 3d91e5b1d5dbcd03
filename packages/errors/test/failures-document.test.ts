import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { errorGuide, errorTable, isErrorCode } from '../src/index.js';

const path = fileURLToPath(new URL('../../../docs/failures.md', import.meta.url));
const BEGIN = '<!-- errors: npm run document -w @pageferry/errors writes this table -->';
const END = '<!-- end of errors -->';

function errorRows(): string {
  const rows = Object.entries(errorTable).map(([code, { status, title }]) => {
    if (!isErrorCode(code)) throw new Error(`${code} is no code`);
    const { cause, wayOut } = errorGuide[code];
    return [`\`${code}\``, String(status), `${title}: ${cause}`, wayOut];
  });
  const head = ['code', 'HTTP', 'what it means', 'way out'];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

test('the documented errors are those of the table: npm run document -w @pageferry/errors writes them', async () => {
  const document = await readFile(path, 'utf8');
  const before = document.slice(0, document.indexOf(BEGIN) + BEGIN.length);
  const after = document.slice(document.indexOf(END));
  expect(document).toContain(`${BEGIN}\n`);
  expect(document).toContain(`\n${END}\n`);
  const written = `${before}\n\n${errorRows()}\n\n${after}`;
  const options = await resolveConfig(path);
  await expect(await format(written, { ...options, parser: 'markdown' })).toMatchFileSnapshot(path);
});
