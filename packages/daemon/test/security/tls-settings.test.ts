import { expect, test } from 'vitest';
import { missingBeside, tlsFilesOf } from '../../src/index.js';

interface Settings {
  readonly certificate?: string;
  readonly key?: string;
  readonly authority?: string;
  readonly revocationList?: string;
}

const keys = { certificate: 'certificate', key: 'key', authority: 'authority' } as const;
const whole: Settings = { certificate: '/c.pem', key: 'credential:key', authority: '/a.pem' };

test('files are there when all settings are', () => {
  expect(tlsFilesOf(whole, keys)).toEqual({
    certificate: { setting: 'certificate', value: '/c.pem' },
    key: { setting: 'key', value: 'credential:key' },
    authority: { setting: 'authority', value: '/a.pem' },
  });
  expect(tlsFilesOf<Settings>({ certificate: '/c.pem', key: '/k.pem' }, keys)).toBeUndefined();
  expect(tlsFilesOf<Settings>({}, keys)).toBeUndefined();
});

test('a revocation list may be given, and not by itself', () => {
  const withList = { ...keys, revocationList: 'revocationList' } as const;
  const given: Settings = { ...whole, revocationList: '/crl.pem' };
  expect(tlsFilesOf(given, withList)).toMatchObject({
    revocationList: { setting: 'revocationList', value: '/crl.pem' },
  });
  expect(tlsFilesOf(whole, withList)).not.toHaveProperty('revocationList');
  const all = Object.values(keys);
  expect(missingBeside<Settings>({ revocationList: '/crl.pem' }, all, ['revocationList'])).toHaveLength(3);
  expect(missingBeside(given, all, ['revocationList'])).toEqual([]);
});

test('each setting that is missing beside the others is found, and none where there are none', () => {
  const all = Object.values(keys);
  expect(missingBeside<Settings>({ key: '/k.pem' }, all)).toEqual([
    'certificate: is missing; certificate, key, authority go together',
    'authority: is missing; certificate, key, authority go together',
  ]);
  expect(missingBeside<Settings>(whole, all)).toEqual([]);
  expect(missingBeside<Settings>({}, all)).toEqual([]);
});
