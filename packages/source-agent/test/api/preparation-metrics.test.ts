import { Value } from '@sinclair/typebox/value';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { measurePreparations } from '../../src/api/preparation-metrics.js';
import { PreparationRequest } from '../../src/preparation/preparation-request.js';
import { Preparations } from '../../src/preparation/preparations.js';
import { fakeIndexings, firstRound, guestToIndex } from '../support/indexed-guests.js';
import { silent } from '../support/simulated-migration.js';

test('preparations are counted when they are over, and while they are under way, with what they take', async () => {
  const { begun, start } = fakeIndexings();
  const source = {
    findToIndex: async (name: string) => Promise.resolve(guestToIndex(name)),
    allToMove: async () => Promise.resolve([]),
  };
  const preparations = new Preparations(source, silent, new AbortController().signal, start);
  const registry = new Registry();
  measurePreparations(preparations, registry);
  const before = await registry.metrics();
  expect(before).toContain('pageferry_preparations_running 0\n');
  expect(before).toContain('pageferry_preparation_processor_seconds_total 0\n');
  expect(before).toContain('pageferry_preparations_total{result="used"} 0\n');
  expect(before).not.toMatch(/result="(indexing|ready)"/);

  const { id } = await preparations.start(Value.Parse(PreparationRequest, { guests: ['web1'] }));
  begun[0]?.say(firstRound);
  const during = await registry.metrics();
  expect(during).toContain('pageferry_preparations_running 1\n');
  expect(during).toContain('pageferry_preparation_processor_seconds_total 0.07\n');
  await preparations.delete(id);
  const after = await registry.metrics();
  expect(after).toContain('pageferry_preparations_running 0\n');
  expect(after).toContain('pageferry_preparation_processor_seconds_total 0.07\n');
  expect(after).toContain('pageferry_preparations_total{result="ended"} 1\n');
});
