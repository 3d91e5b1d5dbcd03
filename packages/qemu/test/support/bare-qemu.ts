import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { firmware } from '../../../../test/environment/firmware.js';
import { QmpClient } from '../../src/qmp/qmp-client.js';

/** No test needs a QEMU for longer, ms. */
const LIFETIME_MS = 50_000;
const START_TIMEOUT_MS = 10_000;

/** A QEMU without disk or network that sits in its firmware. */
export class BareQemu {
  readonly qmp: QmpClient;
  readonly pid: number;
  readonly folder: string;
  readonly exited: Promise<unknown>;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, pid: number, folder: string, qmp: QmpClient) {
    this.#process = process;
    this.pid = pid;
    this.folder = folder;
    this.exited = once(process, 'exit');
    this.qmp = qmp;
  }

  /** @param args machine, memory and whatever a test is about; `FOLDER` in them is a folder of this QEMU's own */
  static async start(...args: readonly string[]): Promise<BareQemu> {
    const folder = await mkdtemp(join(tmpdir(), 'pageferry-qemu-'));
    await copyFile(firmware.variables, join(folder, 'vars.fd'));
    const socket = join(folder, 'qmp');
    const process = spawn(
      'qemu-system-x86_64',
      [
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-accel', 'tcg'],
        ...['-qmp', `unix:${socket},server=on,wait=off`],
        ...args.map((arg) => arg.replaceAll('FOLDER', folder)),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], timeout: LIFETIME_MS, killSignal: 'SIGKILL' },
    );
    let errors = '';
    process.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    try {
      const qmp = await connectWhenUp(socket, process);
      if (process.pid === undefined) throw new Error('no pid');
      return new BareQemu(process, process.pid, folder, qmp);
    } catch (cause) {
      await end(process, folder);
      throw new Error(`QEMU did not start: ${errors}`, { cause });
    }
  }

  async kill(): Promise<void> {
    this.qmp.close();
    await end(this.#process, this.folder);
  }
}

/** SeaBIOS and OVMF by the arguments that select them. */
export const FIRMWARE = {
  seabios: [],
  ovmf: [
    ...['-drive', `if=pflash,format=raw,readonly=on,file=${firmware.code}`],
    ...['-drive', 'if=pflash,format=raw,file=FOLDER/vars.fd'],
  ],
} as const;

async function connectWhenUp(socket: string, process: ChildProcess): Promise<QmpClient> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await QmpClient.connect(socket);
    } catch (error) {
      if (process.exitCode !== null || performance.now() > deadline) throw error;
      await delay(20);
    }
  }
}

async function end(process: ChildProcess, folder: string): Promise<void> {
  if (process.exitCode === null && process.signalCode === null) {
    process.kill('SIGKILL');
    await once(process, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
}
