import type { Logger } from '../log.js';
import type { Notify } from './notify.js';

/** systemd shows it to whoever asks; nobody reads faster. */
const STATUS_INTERVAL_MS = 1000;

/**
 * What a daemon tells the service manager that has started it; where there is none, nobody hears it.
 *
 * Only the newest of each assignment is kept until the one before it has been taken, so nothing here grows or waits.
 */
export class ServiceManager {
  readonly #notify: Notify | undefined;
  readonly #log: Logger;
  readonly #pending = new Map<string, string>();
  #status: string | undefined;
  #sending: Promise<void> | undefined;

  /** @param notify undefined where there is no service manager */
  constructor(notify: Notify | undefined, log: Logger) {
    this.#notify = notify;
    this.#log = log;
  }

  /** The daemon takes requests. */
  ready(): void {
    this.#tell('READY', '1');
  }

  /** From now on a stop is under way. */
  stopping(): void {
    this.#tell('STOPPING', '1');
  }

  /** Resolves when the service manager has taken everything; never rejects. */
  async told(): Promise<void> {
    await this.#sending;
  }

  /** From now on shows what `describe` says, one short line; it is asked once a second. */
  showStatus(describe: () => string): void {
    if (this.#notify === undefined) return;
    const show = (): void => {
      const status = describe();
      if (status === this.#status) return;
      this.#status = status;
      this.#tell('STATUS', status);
    };
    show();
    setInterval(show, STATUS_INTERVAL_MS).unref();
  }

  /** @param intervalMs how often the daemon shows that its event loop is alive */
  feedWatchdog(intervalMs: number): void {
    setInterval(() => {
      this.#tell('WATCHDOG', '1');
    }, intervalMs).unref();
  }

  #tell(name: string, value: string): void {
    if (this.#notify === undefined) return;
    // A line break would begin another assignment.
    this.#pending.set(name, value.replace(/\s+/g, ' '));
    this.#sending ??= this.#send(this.#notify);
  }

  async #send(notify: Notify): Promise<void> {
    while (this.#pending.size > 0) {
      const assignments = [...this.#pending].map(([name, value]) => `${name}=${value}`);
      this.#pending.clear();
      try {
        await notify(assignments.join('\n'));
      } catch (error) {
        this.#log.warn({ err: error, assignments }, 'the service manager could not be told');
      }
    }
    this.#sending = undefined;
  }
}
