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
