/**
 * How often this process has to show that it is alive, ms: twice in the time that the service manager gives it
 * (sd_watchdog_enabled(3)). Undefined if it watches none, or another process.
 */
export function watchdogIntervalMs(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: microseconds = '', WATCHDOG_PID: watched } = env;
  if (!/^[1-9]\d*$/.test(microseconds)) return undefined;
  if (watched !== undefined && watched !== String(pid)) return undefined;
  return Math.max(1, Math.floor(Number(microseconds) / 2000));
}
