import { loadConfiguration } from '@pageferry/daemon';
import { expect, test } from 'vitest';
import { destinationSettings } from '../../src/configuration.js';

const load = (...argv: string[]): unknown =>
  loadConfiguration(destinationSettings, {
    name: 'test',
    description: 'test',
    version: '1',
    argv: [...argv],
    env: {},
  });

test('units are started only where they find their markers', () => {
  expect(load('--driver', 'systemd')).toMatchObject({ configuration: { driver: 'systemd' } });
  expect(() => load('--driver', 'systemd', '--guest-directory', '/elsewhere')).toThrow(
    'guestDirectory: with the driver systemd it is /run/pageferry/guests',
  );
  expect(load('--guest-directory', '/elsewhere')).toMatchObject({ configuration: { driver: 'waiting' } });
});

test('there is no driver of another name', () => {
  expect(() => load('--driver', 'docker')).toThrow('driver:');
});
