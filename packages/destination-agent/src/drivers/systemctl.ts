import { systemdTool, type SystemdToolOptions } from './systemd-tool.js';

/** Runs systemctl, and returns what it says. Error: `driver-failed`, or the signal's reason. */
export async function systemctl(args: readonly string[], options: SystemdToolOptions): Promise<string> {
  return systemdTool('systemctl', ['--no-pager', '--no-ask-password'], args, options);
}
