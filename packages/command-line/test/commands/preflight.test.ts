import { expect, test } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { json } from '../support/fake-agent.js';
import { misfit } from '../support/recorded-migration.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

test.each([
  [true, [], exitCodes.done],
  [false, misfit.findings, exitCodes.refused],
])('what fits: %s', async (fits, findings, expected) => {
  const report = { fits, findings, source: { ram: 1 }, destination: {} };
  agent().on('POST /v1/migrations', json(report));
  const { code, environment } = await pageferry([
    'preflight',
    'web1',
    '--to',
    'ws://10.0.0.2:7411',
    '--json',
  ]);
  expect(code).toBe(expected);
  expect(environment.lastJson).toEqual(report);
  expect(agent().received).toMatchObject([{ body: { guest: 'web1', dryRun: true } }]);
});

test('disks that page cache can come from are named', async () => {
  const disk = { name: 'vda', bytes: 2 ** 30, state: 'shared', there: 'system', sameImage: false };
  const storage = { reason: null, disks: [{ ...disk, samples: { equal: 16, different: 0, unreadable: 0 } }] };
  agent().on('POST /v1/migrations', json({ fits: true, findings: [], storage }));
  const { environment } = await pageferry(['migrate', 'web1', '--to', 'ws://10.0.0.2:7411', '--dry-run']);
  expect(environment.written).toBe(
    'web1 can be migrated to ws://10.0.0.2:7411\n' +
      'page cache from shared disks:\n' +
      '  vda, 1.0 GiB: shared (16 of 16 blocks are the same, there it is system)\n',
  );
});
