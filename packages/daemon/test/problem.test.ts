import { PageferryError, errorTable, isErrorCode } from '@pageferry/errors';
import { Value } from '@sinclair/typebox/value';
import { describe, expect, it } from 'vitest';
import { Problem, problemOf } from '../src/index.js';

describe('problemOf', () => {
  it('says what the error says', () => {
    const error = new PageferryError('preflight-failed', 'The RAM differs', {
      host: 'destination',
      findings: ['pc.ram: 1 GiB here, 2 GiB there'],
    });
    expect(problemOf(error, { instance: '/v1/migrations' })).toEqual({
      type: 'urn:pageferry:error:preflight-failed',
      title: 'The two sides do not fit together',
      status: 409,
      detail: 'The RAM differs',
      instance: '/v1/migrations',
      host: 'destination',
      findings: ['pc.ram: 1 GiB here, 2 GiB there'],
    });
  });

  it('leaves out what is not known', () => {
    expect(Object.keys(problemOf(new PageferryError('cancelled', 'Enough')))).toEqual([
      'type',
      'title',
      'status',
      'detail',
    ]);
  });

  it.each(Object.keys(errorTable).filter(isErrorCode))('fits its schema for %s', (code) => {
    expect(Value.Check(Problem, problemOf(new PageferryError(code, 'x', { findings: ['y'] })))).toBe(true);
  });
});
