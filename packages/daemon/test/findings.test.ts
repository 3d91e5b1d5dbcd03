import { Type } from '@sinclair/typebox';
import { describe, expect, it } from 'vitest';
import { findingsOf } from '../src/index.js';

const schema = Type.Object(
  {
    mode: Type.Union([Type.Literal('precopy'), Type.Literal('postcopy')]),
    destination: Type.Object({ port: Type.Integer({ maximum: 65535 }) }, { additionalProperties: false }),
    names: Type.Optional(Type.Array(Type.String())),
  },
  { additionalProperties: false },
);

describe('findingsOf', () => {
  it('has none for a value that fits', () => {
    expect(findingsOf(schema, { mode: 'precopy', destination: { port: 1 } }, 'body')).toEqual([]);
  });

  it('lists every finding with the path of its key, once', () => {
    const value = { mode: 'fast', destination: { port: 99999, host: 'x' }, names: ['a', 1], 'a/b': 1 };
    expect(findingsOf(schema, value, 'body').sort()).toEqual([
      'a/b: there is no such key',
      'destination.host: there is no such key',
      'destination.port: expected integer to be less or equal to 65535',
      'mode: expected one of precopy, postcopy',
      'names.1: expected string',
    ]);
  });

  it('says once that a key is missing', () => {
    expect(findingsOf(schema, { mode: 'precopy' }, 'body')).toEqual(['destination: is missing']);
  });

  it('names the whole value by what it is', () => {
    expect(findingsOf(schema, 3, 'body')).toEqual(['body: expected object']);
  });

  it('stops after fifty', () => {
    const value = { mode: 'precopy', destination: { port: 1 }, names: Array.from({ length: 1000 }, () => 1) };
    const findings = findingsOf(schema, value, 'body');
    expect(findings).toHaveLength(51);
    expect(findings.at(-1)).toBe('and more');
  });
});
