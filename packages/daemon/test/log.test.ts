import { PageferryError } from '@pageferry/errors';
import { describe, expect, it } from 'vitest';
import { migrationLogger } from '../src/index.js';
import { recordingLog } from './support/log-lines.js';

describe('createLogger', () => {
  it('writes lines with the name, the level as a word and the time in ISO 8601', () => {
    const { log, lines } = recordingLog();
    log.info({ pages: 7 }, 'moved');
    expect(lines).toEqual([expect.objectContaining({ name: 'test', level: 'info', msg: 'moved', pages: 7 })]);
    expect(lines[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('leaves out what is below the level', () => {
    const { log, lines } = recordingLog('warn');
    log.info('not this');
    expect(lines).toEqual([]);
  });

  it('writes the code and the cause of an error', () => {
    const { log, lines } = recordingLog();
    const err = new PageferryError('peer-lost', 'The link broke', { cause: new Error('ECONNRESET') });
    log.error({ err }, 'failed');
    expect(lines[0]?.['err']).toMatchObject({ code: 'peer-lost', message: 'The link broke: ECONNRESET' });
  });
});

describe('migrationLogger', () => {
  it("has the migration's id in every line, in those of its children too", () => {
    const { log, lines } = recordingLog();
    migrationLogger(log, 'm-1').child({ block: 'pc.ram' }).info('sent');
    expect(lines[0]).toMatchObject({ migration: 'm-1', block: 'pc.ram' });
  });
});
