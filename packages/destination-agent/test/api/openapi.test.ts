import { createLogger } from '@pageferry/daemon';
import { onTestFinished, expect, test } from 'vitest';
import { committedPath, servedDocument } from '../../../daemon/test/support/openapi-document.js';
import { createApi } from '../../src/api.js';
import { startDestination } from '../support/source-side.js';

test('the committed document is the one that is served: npm run openapi -w @pageferry/destination-agent writes it', async () => {
  const { migrations } = await startDestination();
  const server = createApi(migrations, createLogger({ name: 'test', level: 'fatal' }));
  onTestFinished(() => server.close());
  const path = committedPath('destination');
  await expect(await servedDocument(server, path)).toMatchFileSnapshot(path);
});
