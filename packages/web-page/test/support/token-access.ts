import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileReloader, openApiAccess, type ApiAccess } from '@pageferry/daemon';
import { onTestFinished } from 'vitest';
import { silent } from '../../../source-agent/test/support/simulated-migration.js';

export const TOKEN = 'correct-horse-battery-staple-0123456789';

/** Of an agent that asks for {@link TOKEN}. */
export async function tokenAccess(): Promise<ApiAccess> {
  const directory = await mkdtemp(join(tmpdir(), 'web-page-'));
  const apiTokenFile = join(directory, 'token');
  await writeFile(apiTokenFile, TOKEN, { mode: 0o600 });
  const reloader = new FileReloader(silent, 3_600_000);
  onTestFinished(async () => {
    reloader.close();
    await rm(directory, { recursive: true });
  });
  return openApiAccess({ apiHost: '127.0.0.1', apiTokenFile }, reloader, silent);
}
