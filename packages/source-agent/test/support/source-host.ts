import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { createLogger, type Logger } from '@pageferry/daemon';
import { onTestFinished } from 'vitest';
import { storedJournals, type StoredJournals } from '../../../daemon/test/support/stored-journals.js';
import { sourceSettings, type SourceConfiguration } from '../../src/configuration.js';
import { MigrationRequest } from '../../src/request.js';

/** The directories of a source agent, and its log. */
export interface SourceHost extends StoredJournals {
  readonly configuration: SourceConfiguration;
  readonly log: Logger;
  /** Messages of the log at the levels `warn` and above. */
  readonly warnings: string[];
  /** Where the QMP socket of the guest `name` is. */
  readonly socketOf: (name: string) => string;
}

export async function sourceHost(): Promise<SourceHost> {
  const directory = await mkdtemp(join(tmpdir(), 'pageferry-source-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const configuration = Value.Parse(sourceSettings, {
    guestDirectory: join(directory, 'guests'),
    stateDirectory: join(directory, 'state'),
    runtimeDirectory: join(directory, 'run'),
  });
  const { guestDirectory, stateDirectory } = configuration;
  await mkdir(guestDirectory);
  const warnings: string[] = [];
  const log = createLogger({
    name: 'test',
    level: 'warn',
    destination: {
      write: (line) => {
        const parsed: unknown = JSON.parse(line);
        if (typeof parsed === 'object' && parsed !== null && 'msg' in parsed)
          warnings.push(String(parsed.msg));
      },
    },
  });
  return {
    configuration,
    log,
    warnings,
    socketOf: (name) => join(guestDirectory, `${name}.sock`),
    ...storedJournals(stateDirectory, log),
  };
}

/** A request with all its defaults. */
export function requestFor(guest: string, more: Partial<MigrationRequest> = {}): MigrationRequest {
  return Value.Parse(MigrationRequest, { guest, destination: { url: 'ws://127.0.0.1:9' }, ...more });
}
