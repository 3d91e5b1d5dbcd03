import { PageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import type { QmpClient, QmpOptions } from './qmp-client.js';

/** The human monitor reports a failure in its text only (handle_hmp_command in monitor/hmp.c). */
const FAILURE = /^(Error: |unknown command: |Command ".*" is not available)|^Try "help /m;

/**
 * Runs a command of QEMU's human monitor, for what QMP has no command.
 * @returns its text, with `\r\n` at the end of each line
 * @throws `qmp-command` if the text is an error
 */
export async function humanMonitor(
  qmp: QmpClient,
  commandLine: string,
  options?: QmpOptions,
): Promise<string> {
  const text = await qmp.executeAs(
    Type.String(),
    'human-monitor-command',
    { 'command-line': commandLine },
    options,
  );
  if (FAILURE.test(text)) throw new PageferryError('qmp-command', `${commandLine}: ${text.trim()}`);
  return text;
}
