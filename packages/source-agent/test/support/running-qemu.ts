import { onTestFinished } from 'vitest';
import { runState, stopGuest } from '../../../qemu/src/machine/guest-control.js';
import { BareQemu } from '../../../qemu/test/support/bare-qemu.js';

/** A QEMU that runs its firmware, with one monitor for the agent and one for the test. */
export class RunningQemu {
  readonly #qemu: BareQemu;

  private constructor(qemu: BareQemu) {
    this.#qemu = qemu;
  }

  /** @param socket where the agent finds it */
  static async start(socket: string): Promise<RunningQemu> {
    const qemu = await BareQemu.start('-m', '32', '-qmp', `unix:${socket},server=on,wait=off`);
    onTestFinished(() => qemu.kill());
    return new RunningQemu(qemu);
  }

  get exited(): Promise<unknown> {
    return this.#qemu.exited;
  }

  async isRunning(): Promise<boolean> {
    return (await runState(this.#qemu.qmp)).running;
  }

  async stop(): Promise<void> {
    await stopGuest(this.#qemu.qmp);
  }

  /** Has the kernel hold it for good. */
  hold(): void {
    process.kill(this.#qemu.pid, 'SIGSTOP');
  }

  kill(): void {
    process.kill(this.#qemu.pid, 'SIGKILL');
  }
}
