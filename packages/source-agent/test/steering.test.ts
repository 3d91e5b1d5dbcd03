import { expect, test } from 'vitest';
import { Steering } from '../src/steering.js';
import { requestFor } from './support/source-host.js';

const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });

test('begins with what the request says, and changes one by one', () => {
  const steering = new Steering(requestFor('web1', { mode: 'precopy', bandwidthCaps: { precopy: 7 } }));
  expect(steering).toMatchObject({ downtimeLimitMs: 300, timeLimitMs: 3_600_000, whenStalled: 'cancel' });
  steering.change({ downtimeLimitMs: 10 });
  steering.change({ whenStalled: 'stop', bandwidthCaps: { postcopy: 8 } });
  expect(steering).toMatchObject({
    downtimeLimitMs: 10,
    timeLimitMs: 3_600_000,
    whenStalled: 'stop',
    bandwidthCaps: { precopy: 7, postcopy: 8 },
  });
});

test('a change that is refused changes nothing', () => {
  const steering = new Steering(requestFor('web1', { mode: 'precopy' }));
  const change = { whenStalled: 'postcopy', downtimeLimitMs: 1 } as const;
  expect(() => {
    steering.change(change);
  }).toThrow(code('request-invalid'));
  expect(steering.downtimeLimitMs).toBe(300);
});

test('post-copy may be allowed later, and be taken back', () => {
  const steering = new Steering(requestFor('web1', { mode: 'hybrid', whenStalled: 'stop' }));
  steering.change({ whenStalled: 'postcopy' });
  expect(steering.whenStalled).toBe('postcopy');
  steering.change({ whenStalled: 'cancel' });
  expect(steering.whenStalled).toBe('cancel');
});

test.each([
  ['precopy', 'postcopy'],
  ['postcopy', 'stop'],
] as const)('in the mode %s the guest is not stopped with %s', (mode, by) => {
  const steering = new Steering(requestFor('web1', { mode }));
  expect(() => {
    steering.forceSwitchOver(by);
  }).toThrow(code('request-invalid'));
  expect(steering.switchOver).toBeUndefined();
  steering.forceSwitchOver(undefined);
  expect(steering.switchOver).toBe('either');
});
