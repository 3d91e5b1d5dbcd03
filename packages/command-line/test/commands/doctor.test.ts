import { expect, test } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { json } from '../support/fake-agent.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

test('what the agent lacks by its own word is a finding', async () => {
  const checks = [
    { name: 'qmp', ok: true, detail: 'web1.sock' },
    { name: 'peer', ok: false, detail: '10.0.0.2 does not answer' },
  ];
  agent()
    .on('GET /healthz', json({ status: 'ok' }))
    .on('GET /readyz', json({ ready: false, checks }, 503));
  const { code, environment } = await pageferry(['doctor']);
  expect(code).toBe(exitCodes.refused);
  expect(environment.written).toMatch(/^ok +the agent's API: /m);
  expect(environment.written).toMatch(/^ok +agent: qmp: web1\.sock$/m);
  expect(environment.written).toMatch(/^FAIL agent: peer: 10\.0\.0\.2 does not answer$/m);
});

test('an agent that is not there is a finding, with what to do', async () => {
  agent().on('GET /healthz', (response) => response.destroy());
  const { code, environment } = await pageferry(['doctor', '--qemu', '/nonexistent/qemu', '--json']);
  expect(code).toBe(exitCodes.refused);
  const wayOut: unknown = expect.stringContaining('--qemu');
  expect(environment.lastJson).toMatchObject({ ok: false });
  expect(environment.lastJson).toHaveProperty('checks.0', {
    name: 'QEMU 8.2 or newer',
    ok: false,
    detail: 'none of /nonexistent/qemu runs',
    fix: wayOut,
  });
  expect(environment.lastJson).toHaveProperty('checks.3.ok', false);
});

test('an agent that knows no readiness is only asked whether it lives', async () => {
  agent().on('GET /healthz', json({ status: 'ok' }));
  const { environment } = await pageferry(['doctor']);
  expect(environment.written).not.toContain('agent: ');
});
