import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isStop, parseQemuEvent } from '../../src/libvirt/domain-events.js';

test('an event keeps its time and its data', () => {
  const line = `event SHUTDOWN at 1795269231.34515 for domain 'web1': {"guest":false,"reason":"host-signal"}`;
  expect(parseQemuEvent(line)).toEqual({
    event: 'SHUTDOWN',
    data: { guest: false, reason: 'host-signal' },
    timestamp: { seconds: 1_795_269_231, microseconds: 34_515 },
  });
});

test('an event without data has none', () => {
  expect(parseQemuEvent("event STOP at 1795268929.200149 for domain 'web1': <null>")).toEqual({
    event: 'STOP',
    timestamp: { seconds: 1_795_268_929, microseconds: 200_149 },
  });
});

test('what else virsh prints is no event', () => {
  fc.assert(
    fc.property(fc.string(), (line) => {
      expect(parseQemuEvent(line)).toBeUndefined();
      expect(isStop(line)).toBe(false);
    }),
  );
});

test('only the end of the domain counts as one', () => {
  expect(isStop("event 'lifecycle' for domain 'web1': Stopped Failed")).toBe(true);
  expect(isStop("event 'lifecycle' for domain 'web1': Suspended Paused")).toBe(false);
});
