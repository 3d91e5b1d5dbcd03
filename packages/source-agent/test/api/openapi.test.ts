import { onTestFinished, expect, test } from 'vitest';
import { committedPath, servedDocument } from '../../../daemon/test/support/openapi-document.js';
import { createApi } from '../../src/api.js';
import { FakeMigrations, noGangs, noPreparations } from '../support/fake-migrations.js';
import { silent } from '../support/simulated-migration.js';

test('the committed document is the one that is served: npm run openapi -w @pageferry/source-agent writes it', async () => {
  const server = createApi(
    { migrations: new FakeMigrations(), gangs: noGangs, preparations: noPreparations },
    silent,
  );
  onTestFinished(() => server.close());
  const path = committedPath('source');
  await expect(await servedDocument(server, path)).toMatchFileSnapshot(path);
});
