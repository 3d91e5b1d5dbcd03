import type { Logger } from '../log.js';

/** Tells the service manager one or more assignments, `NAME=value` a line (sd_notify(3)). */
export type Notify = (assignments: string) => Promise<void>;

/**
 * The way to the service manager, or undefined where there is none: without NOTIFY_SOCKET nothing is loaded.
 *
 * Node has no datagram sockets in the file system, so libsystemd's own sd_notify() is called. That takes 20 µs and comes from
 * the main process, as `NotifyAccess=main` wants it; a process of systemd-notify takes 4 ms for each message, is not the main
 * process, and may be gone before the service manager looks whose it was.
 */
export async function openNotify(
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Promise<Notify | undefined> {
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return undefined;
  try {
    const { load } = await import('koffi');
    const sdNotify = load('libsystemd.so.0').func('int sd_notify(int unset_environment, const char *state)');
    // In a thread of its own: a service manager that does not read must not hold up a migration.
    return (assignments) =>
      new Promise((resolve, reject) => {
        sdNotify.async(0, assignments, (error: unknown, result: unknown) => {
          if (typeof result === 'number' && result > 0) resolve();
          else reject(new Error(`sd_notify: ${error instanceof Error ? error.message : String(result)}`));
        });
      });
  } catch (error) {
    log.error({ err: error }, 'the service manager cannot be told of this daemon');
    return undefined;
  }
}
