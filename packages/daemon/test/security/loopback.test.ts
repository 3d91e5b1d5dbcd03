import { expect, it } from 'vitest';
import { isLoopback } from '../../src/index.js';

it.each([
  ['127.0.0.1', true],
  ['127.9.0.1', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.2', false],
  ['128.0.0.1', false],
  ['fe80::1', false],
  ['localhost.evil.test', false],
  ['', false],
])('%j can be reached from this host only: %j', (host, only) => {
  expect(isLoopback(host)).toBe(only);
});
