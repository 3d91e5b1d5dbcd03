import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { createLogger, type Logger } from '@pageferry/daemon';
import { onTestFinished } from 'vitest';
import { storedJournals, type StoredJournals } from '../../../daemon/test/support/stored-journals.js';
import { FakeQmpServer, GREETING } from '../../../qemu/test/support/fake-qmp-server.js';
import { destinationSettings, type DestinationConfiguration } from '../../src/configuration.js';

const Command = Type.Object({ execute: Type.String(), id: Type.Union([Type.Integer(), Type.String()]) });

/** The directories of a destination agent, and its log. */
export interface DestinationHost extends StoredJournals {
  readonly configuration: DestinationConfiguration;
  readonly log: Logger;
  /** Where the QMP socket of the guest `name` is. */
  readonly socketOf: (name: string) => string;
  /** Starts the QEMU of the guest `name`. */
  readonly startQemu: (name: string, options?: FakeQemuOptions) => Promise<FakeQemu>;
}

export interface FakeQemuOptions {
  readonly running?: boolean;
  /** QEMU's RunState, `running` or `paused` unless given. */
  readonly status?: string;
}

/** A QEMU whose monitor knows whether its guest runs. Its process is the one of the test. */
export interface FakeQemu {
  /** What it was told, questions left out. */
  readonly commands: string[];
}

export async function destinationHost(): Promise<DestinationHost> {
  const directory = await mkdtemp(join(tmpdir(), 'pageferry-destination-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const configuration = Value.Parse(destinationSettings, {
    guestDirectory: join(directory, 'guests'),
    stateDirectory: join(directory, 'state'),
    runtimeDirectory: join(directory, 'run'),
    apiPort: 0,
    streamPort: 0,
  });
  const { guestDirectory, stateDirectory, runtimeDirectory } = configuration;
  await mkdir(guestDirectory);
  await mkdir(runtimeDirectory);
  const log = createLogger({ name: 'test', level: 'fatal' });
  const socketOf = (name: string): string => join(guestDirectory, `${name}.sock`);
  return {
    configuration,
    log,
    socketOf,
    ...storedJournals(stateDirectory, log),
    startQemu: async (name, options) => startQemu(socketOf(name), options),
  };
}

async function startQemu(
  path: string,
  { running = false, status = running ? 'running' : 'paused' }: FakeQemuOptions = {},
): Promise<FakeQemu> {
  const commands: string[] = [];
  const server = await FakeQmpServer.listen((socket) => {
    socket.write(GREETING);
    createInterface({ input: socket })
      .on('error', () => undefined)
      .on('line', (line) => {
        const { execute, id } = Value.Parse(Command, JSON.parse(line));
        const answers: Readonly<Record<string, unknown>> = {
          qmp_capabilities: {},
          'query-cpus-fast': [{ 'thread-id': process.pid }],
          'query-status': { status, running },
        };
        const answer = answers[execute];
        if (answer === undefined) commands.push(execute);
        socket.write(`${JSON.stringify({ return: answer ?? {}, id })}\r\n`);
      });
  });
  await symlink(server.path, path);
  onTestFinished(async () => {
    await server.close();
    await rm(path, { force: true });
  });
  return { commands };
}
