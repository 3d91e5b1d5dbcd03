import { expect, test } from 'vitest';
import { json } from '../support/fake-agent.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

const guests = [
  { name: 'web1', status: 'running', memoryBytes: 2 ** 31, vcpus: 2, migratable: true, reasons: [] },
  {
    name: 'db',
    status: null,
    memoryBytes: null,
    vcpus: null,
    migratable: false,
    reasons: ['busy', 'a disk'],
  },
];

test('guests are listed with what keeps them from being migrated', async () => {
  agent().on('GET /v1/guests', json({ guests }));
  const { environment } = await pageferry(['guests']);
  expect(environment.written.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['GUEST', 'STATUS', 'MEMORY', 'VCPUS', 'MIGRATABLE'],
    ['web1', 'running', '2.0 GiB', '2', 'yes'],
    ['db', '-', '-', '-', 'no: busy; a disk'],
    [''],
  ]);
});
