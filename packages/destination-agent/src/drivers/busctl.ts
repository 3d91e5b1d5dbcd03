import { systemdTool, type SystemdToolOptions } from './systemd-tool.js';

/** Runs busctl on the system's bus, and returns what it says. Error: `driver-failed`, or the signal's reason. */
export async function busctl(args: readonly string[], options: SystemdToolOptions): Promise<string> {
  return systemdTool('busctl', ['--system', '--allow-interactive-authorization=no'], args, options);
}
