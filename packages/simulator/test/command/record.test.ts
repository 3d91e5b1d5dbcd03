import { once } from 'node:events';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { expect, it, onTestFinished } from 'vitest';
import { stopGuest, runState } from '../../../qemu/src/machine/guest-control.js';
import { Trace } from '../../src/index.js';
import { SimulateProcess, runSimulate } from '../support/run-simulate.js';
import { WRITTEN_PAGES, startWritingGuest, type WritingGuest } from '../support/writing-guest.js';

const Capabilities = Type.Array(Type.Object({ capability: Type.String(), state: Type.Boolean() }));
const Migration = Type.Object({ status: Type.Optional(Type.String()) });
/** Longer than any test. */
const LONG = ['--duration', '10min'];

interface Recorder {
  readonly guest: WritingGuest;
  readonly process: SimulateProcess;
  readonly output: string;
  /** Where it makes its socket. */
  readonly sockets: string;
}

async function record(
  parameters: readonly string[],
  before: (guest: WritingGuest) => Promise<void> = () => Promise.resolve(),
): Promise<Recorder> {
  const guest = await startWritingGuest();
  await before(guest);
  const output = join(guest.directory, 'guest.trace');
  const sockets = join(guest.directory, 'sockets');
  await mkdir(sockets);
  const process = new SimulateProcess([
    ...['record', '--qmp', guest.qmpSocket, '--output', output, '--directory', sockets],
    ...parameters,
  ]);
  onTestFinished(() => {
    process.kill('SIGKILL');
  });
  return { guest, process, output, sockets };
}

/** What the recorder has made is gone, but for the trace if there is one. */
async function expectTidy({ guest, sockets }: Recorder, files: readonly string[]): Promise<void> {
  expect(await readdir(sockets)).toEqual([]);
  expect((await readdir(guest.directory)).sort()).toEqual(['disk', 'sock', 'sockets', ...files].sort());
}

/** The guest runs and writes, and QEMU neither migrates nor is set to what the recorder needed. */
async function expectUntouched({ qemu, writesOn }: WritingGuest): Promise<void> {
  expect(await runState(qemu.qmp)).toEqual({ status: 'running', running: true });
  await writesOn();
  const { status = 'none' } = await qemu.qmp.executeAs(Migration, 'query-migrate');
  expect(['none', 'cancelled', 'failed']).toContain(status);
  const capabilities = await qemu.qmp.executeAs(Capabilities, 'query-migrate-capabilities');
  expect(capabilities.filter(({ state }) => state)).toEqual([]);
}

/** The trace names every page that the guest writes; they are pages of `pc.ram`, the first block. */
async function expectWritesIn(output: string): Promise<Trace> {
  const trace = new Trace(await readFile(output));
  const seen = trace.looks.map((look) => {
    const pages = new Set<number>();
    trace.forEachRun(look, (first, count) => {
      for (let page = first; page < first + count; page++) pages.add(page);
    });
    return pages;
  });
  for (const page of WRITTEN_PAGES) expect(seen.some((pages) => pages.has(page))).toBe(true);
  // Nothing else is written but by its firmware, on a tick of the clock.
  const others = new Set(seen.flatMap((pages) => [...pages]).filter((page) => !WRITTEN_PAGES.includes(page)));
  expect(others.size).toBeLessThan(32);
  return trace;
}

it('names what a guest writes, lets it run on, and what it recorded can be simulated', async () => {
  const recorder = await record(['--duration', '1s', '--interval', '50']);
  const { guest, process, output } = recorder;
  expect(await process.ended(), process.stderr).toBe(false);
  expect(process.stdout).toMatch(/looks in \d+\.\d s: pages dirtied at .*B\/s, .* of 32.* MiB at least once/);
  const trace = await expectWritesIn(output);
  expect(trace.durationMs).toBeGreaterThan(999);
  expect(trace.pages).toBeGreaterThanOrEqual(8192);
  await expectUntouched(guest);
  await expectTidy(recorder, ['guest.trace']);

  const { failed, stdout } = await runSimulate('--trace', output, '--strategy', 'precopy');
  expect(failed).toBe(false);
  expect(stdout).toContain('a recorded trace');
  expect(stdout).toMatch(/^precopy .* yes$/m);
});

it('keeps what it has when it is interrupted', async () => {
  const recorder = await record([...LONG, '--interval', '10']);
  const { guest, process, output } = recorder;
  await process.said('recording for 10.0 min');
  process.kill('SIGINT');
  expect(await process.ended(), process.stderr).toBe(false);
  expect(new Trace(await readFile(output)).looks.length).toBeGreaterThan(0);
  await expectUntouched(guest);
  await expectTidy(recorder, ['guest.trace']);
});

it('leaves the guest alone when it is killed', async () => {
  const { guest, process } = await record(LONG);
  await process.said('recording for');
  process.kill('SIGKILL');
  await process.ended();
  await guest.writesOn();
  expect((await runState(guest.qemu.qmp)).running).toBe(true);
});

it('ends with an error and without a trace when QEMU does', async () => {
  const recorder = await record(LONG);
  await recorder.process.said('recording for');
  await recorder.guest.qemu.kill();
  expect(await recorder.process.ended()).toBe(true);
  expect(recorder.process.stderr).toMatch(/QEMU/);
  expect(await readdir(recorder.sockets)).toEqual([]);
  expect(await readdir(recorder.guest.directory)).not.toContain('guest.trace');
});

it('does not record a guest that does not run', async () => {
  const recorder = await record(LONG, ({ qemu }) => stopGuest(qemu.qmp));
  expect(await recorder.process.ended()).toBe(true);
  expect(recorder.process.stderr).toContain('the guest does not run (paused)');
  expect(await runState(recorder.guest.qemu.qmp)).toEqual({ status: 'paused', running: false });
  await expectTidy(recorder, []);
});

it('does not end the migration of somebody else', async () => {
  const { guest, process } = await record(LONG, async ({ qemu: { qmp }, directory }) => {
    const path = join(directory, 'somebody');
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(path);
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    // It waits for an acknowledgement that never comes.
    const capabilities = ['return-path', 'switchover-ack'].map((capability) => ({ capability, state: true }));
    await qmp.execute('migrate-set-capabilities', { capabilities });
    await qmp.execute('migrate', { uri: `unix:${path}` });
    await expect.poll(async () => (await qmp.executeAs(Migration, 'query-migrate')).status).toBe('active');
  });
  expect(await process.ended()).toBe(true);
  expect(process.stderr).toContain('the guest is already being migrated (active)');
  expect(await guest.qemu.qmp.executeAs(Migration, 'query-migrate')).toMatchObject({ status: 'active' });
});

it('says what is wrong with what it is given', async () => {
  const qmp = ['record', '--qmp', '/nowhere/sock'];
  const cases = [
    [['record', '--output', 'a'], "required option '--qmp <socket>'"],
    [qmp, "required option '--output <file>'"],
    [[...qmp, '--output', '/nowhere/a'], 'the trace /nowhere/a cannot be written'],
    [[...qmp, '--output', 'a', '--duration', '2h'], 'a time from 1.0 s to 60.0 min is wanted'],
    [[...qmp, '--output', 'a', '--interval', '1'], 'a time from 10 ms to 60.0 s is wanted'],
    [[...qmp, '--output', 'a', '--memory', '4GiB'], "unknown option '--memory'"],
  ] as const;
  const answers = await Promise.all(cases.map(([parameters]) => runSimulate(...parameters)));
  for (const [index, [, message]] of cases.entries()) {
    expect(answers[index]?.failed).toBe(true);
    expect(answers[index]?.stderr).toContain(message);
  }
});
