import type { ApiAccess } from '@pageferry/daemon';
import { onTestFinished } from 'vitest';
import { createApi } from '../../../source-agent/src/api.js';
import { noGangs, noPreparations } from '../../../source-agent/test/support/fake-migrations.js';
import { silent } from '../../../source-agent/test/support/simulated-migration.js';
import { ScriptedMigrations } from './scripted-migrations.js';

export interface ServedPage {
  readonly url: string;
  readonly migrations: ScriptedMigrations;
  /** Ends the agent, as far as a browser can see. */
  readonly close: () => Promise<void>;
}

/** The source's API with the page, on a socket. */
export async function servedPage(access: ApiAccess = {}, port = 0): Promise<ServedPage> {
  const migrations = new ScriptedMigrations();
  const server = createApi({ migrations, gangs: noGangs, preparations: noPreparations }, silent, access);
  const url = await server.listen({ host: '127.0.0.1', port });
  const close = async (): Promise<void> => {
    await server.close();
  };
  onTestFinished(close);
  return { url, migrations, close };
}
