import { expect, test } from 'vitest';
import { json } from '../support/fake-agent.js';
import { completed, failed, inPrecopy } from '../support/recorded-migration.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

const SHOW = `GET /v1/migrations/${inPrecopy.id}`;

test('a migration is shown with its downtime in parts and the times of its states', async () => {
  agent().on(SHOW, json(completed));
  const { written } = (await pageferry(['show', inPrecopy.id])).environment;
  expect(written).toMatch(/^guest +web1, 256 MiB$/m);
  expect(written).toMatch(/^downtime +42 ms \(stop 1 ms, device state 4 ms, last pages 20 ms, /m);
  expect(written).toMatch(/^ +2026-\d\d-\d\d \d\d:\d\d:\d\d device$/m);
});

test('a failed one is shown with what went wrong', async () => {
  agent().on(SHOW, json(failed));
  const { written } = (await pageferry(['show', inPrecopy.id])).environment;
  expect(written).toContain('The two sides do not fit together (on the destination)');
  expect(written).toContain('  - the RAM differs\n');
});

test('with --json it is all that the agent said', async () => {
  agent().on(SHOW, json(completed));
  const { environment } = await pageferry(['show', inPrecopy.id, '--json']);
  expect(environment.lastJson).toEqual(completed);
});
