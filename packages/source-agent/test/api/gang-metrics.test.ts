import { Value } from '@sinclair/typebox/value';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { measureGangs } from '../../src/api/gang-metrics.js';
import { GangRequest } from '../../src/gang/gang-request.js';
import { Gangs } from '../../src/gang/gangs.js';
import { OutgoingMigrations } from '../../src/outgoing-migrations.js';
import { sourceHost } from '../support/source-host.js';

test('gangs and their guests are counted when they end, and gangs while they are under way', async () => {
  const { configuration, log } = await sourceHost();
  const { signal } = new AbortController();
  const gangs = new Gangs(new OutgoingMigrations(configuration, log, signal), configuration, log, signal);
  const registry = new Registry();
  measureGangs(gangs, registry);
  const before = await registry.metrics();
  expect(before).toContain('pageferry_gangs_running 0\n');
  expect(before).toContain('pageferry_gangs_total{result="completed"} 0\n');
  expect(before).toContain('pageferry_gang_guests_total{result="moved"} 0\n');
  expect(before).not.toMatch(/result="(active|moving)"/);

  const request = { guests: ['a', 'b'], destination: { url: 'ws://127.0.0.1:9' }, atOnce: 1 };
  await gangs.start(Value.Parse(GangRequest, { ...request, whenOneFails: 'stop' }));
  expect(await registry.metrics()).toContain('pageferry_gangs_running 1\n');
  await gangs.settled();
  const after = await registry.metrics();
  expect(after).toContain('pageferry_gangs_running 0\n');
  expect(after).toContain('pageferry_gangs_total{result="failed"} 1\n');
  expect(after).toContain('pageferry_gang_guests_total{result="failed"} 1\n');
  expect(after).toContain('pageferry_gang_guests_total{result="skipped"} 1\n');
});
