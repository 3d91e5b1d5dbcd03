import { Type } from '@sinclair/typebox';
import { describe, expect, it } from 'vitest';
import { daemonSettings, ServiceManager, type Daemon } from '../src/index.js';
import { recordingLog } from './support/log-lines.js';
import { startChild, type Child } from './support/child.js';

function startDaemon(...argv: string[]): Child {
  return startChild('daemon-program.js', argv);
}

describe('runDaemon', () => {
  it("gives main the configuration with the types of the daemon's own schema", async () => {
    const schema = Type.Object({ ...daemonSettings, port: Type.Integer({ default: 1 }) });
    const ports: number[] = [];
    const daemon: Daemon<typeof schema> = {
      name: 'typed',
      description: 'Only compiled',
      version: '1',
      schema,
      main: ({ configuration }) => Promise.resolve(void ports.push(configuration.port)),
    };
    const { log } = recordingLog();
    const { signal } = new AbortController();
    const service = new ServiceManager(undefined, log);
    await daemon.main({ configuration: { logLevel: 'info', port: 7 }, log, signal, service });
    expect(ports).toEqual([7]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('closes and exits with 0 after %s', async (signal) => {
    const daemon = startDaemon('--behaviour', 'obey');
    await daemon.shows('ready');
    daemon.process.kill(signal);
    const { code, stdout } = await daemon.finished;
    expect(code).toBe(0);
    expect(stdout).toContain(`"signal":"${signal}","msg":"stopping"`);
    expect(stdout.indexOf('"closed"')).toBeLessThan(stdout.indexOf('"stopped"'));
  });

  it('does not hurry at a second signal', async () => {
    const daemon = startDaemon('--behaviour', 'obey');
    await daemon.shows('ready');
    daemon.process.kill('SIGINT');
    await daemon.shows('stopping');
    daemon.process.kill('SIGTERM');
    const { code, stdout } = await daemon.finished;
    expect(code).toBe(0);
    expect(stdout).toContain('"closed"');
  });

  it('is not warned of however much waits for its end', async () => {
    const daemon = startDaemon('--behaviour', 'waitManyTimes');
    await daemon.shows('ready');
    daemon.process.kill('SIGTERM');
    expect(await daemon.finished).toMatchObject({ code: 0, stderr: '' });
  });

  it("takes the signal's own reason, thrown by main, for a normal end", async () => {
    const daemon = startDaemon('--behaviour', 'throwReason');
    await daemon.shows('ready');
    daemon.process.kill('SIGTERM');
    expect((await daemon.finished).code).toBe(0);
  });

  it('exits with 1 when closing takes too long', async () => {
    const daemon = startDaemon('--behaviour', 'hang');
    await daemon.shows('ready');
    daemon.process.kill('SIGTERM');
    const { code, stdout } = await daemon.finished;
    expect(code).toBe(1);
    expect(stdout).toContain('did not stop in time');
  });

  it('exits with 0 when main has ended by itself', async () => {
    expect((await startDaemon('--behaviour', 'end').finished).code).toBe(0);
  });

  it.each([
    ['fail', 'no port'],
    ['rejectElsewhere', 'forgotten'],
  ])('logs a fatal error and exits with 1: %s', async (behaviour, message) => {
    const { code, stdout } = await startDaemon('--behaviour', behaviour).finished;
    expect(code).toBe(1);
    expect(stdout).toContain('"level":"fatal"');
    expect(stdout).toContain(message);
  });

  it('exits with 2 and lists what is wrong with the configuration', async () => {
    const { code, stdout, stderr } = await startDaemon('--log-level', 'loud').finished;
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      [
        'test-daemon: The configuration is not valid',
        '  behaviour: is missing',
        '  logLevel: expected one of fatal, error, warn, info, debug, trace, silent',
        '',
      ].join('\n'),
    );
  });

  it('prints what was asked for and exits with 0', async () => {
    expect(await startDaemon('--version').finished).toEqual({ code: 0, stdout: '1.2.3\n', stderr: '' });
  });

  it('logs at the configured level', async () => {
    const daemon = startDaemon('--behaviour', 'fail', '--log-level', 'fatal');
    expect((await daemon.finished).stdout).not.toContain('ready');
  });
});
