import { expect, test } from 'vitest';
import { EventFeed } from '../../src/index.js';

const noted = (feed: EventFeed, count: number): number[] => {
  const built: number[] = [];
  for (let made = 0; made < count; made++) {
    const id = feed.newest + 1;
    feed.publish('progress', () => {
      built.push(id);
      return { id };
    });
  }
  return built;
};

const idsAfter = (feed: EventFeed, id: number): number[] | undefined =>
  feed.after(id)?.map((event) => event.id);

test('what nobody has ever listened to is counted, and not built', () => {
  const feed = new EventFeed();
  expect(noted(feed, 10)).toEqual([]);
  expect(feed.newest).toBe(10);
  expect(feed.after(9)).toBeUndefined();
  expect(feed.after(10)).toEqual([]);
});

test('a listener hears every event from when it listens', () => {
  const feed = new EventFeed();
  noted(feed, 10);
  const heard: unknown[] = [];
  feed.listen({ take: (event) => heard.push(event), end: () => heard.push('end') });
  feed.publish('state', () => ({ n: 1 }));
  feed.end('end', () => ({ n: 2 }));
  expect(heard).toEqual([
    { id: 11, name: 'state', data: '{"n":1}' },
    { id: 12, name: 'end', data: '{"n":2}' },
    'end',
  ]);
});

test('who was away for a moment gets all that was missed, also what had not been heard before', () => {
  const feed = new EventFeed();
  noted(feed, 10);
  const leave = feed.listen({ take: () => undefined, end: () => undefined });
  noted(feed, 3);
  leave();
  expect(noted(feed, 128)).toHaveLength(128);
  expect(idsAfter(feed, 13)).toEqual(Array.from({ length: 128 }, (_, index) => 14 + index));
  expect(feed.after(12)).toBeUndefined();
});

test('once the last listener has been away for too long, nothing is built or kept until the next one', () => {
  const feed = new EventFeed();
  const leave = feed.listen({ take: () => undefined, end: () => undefined });
  leave();
  noted(feed, 128);
  expect(noted(feed, 5)).toEqual([]);
  expect(feed.after(0)).toBeUndefined();
  expect(feed.after(130)).toBeUndefined();
  feed.listen({ take: () => undefined, end: () => undefined });
  expect(noted(feed, 2)).toEqual([134, 135]);
  expect(idsAfter(feed, 133)).toEqual([134, 135]);
});

test('one of several that leaves does not make the others miss anything', () => {
  const feed = new EventFeed();
  const listener = { take: () => undefined, end: () => undefined };
  feed.listen(listener);
  feed.listen({ ...listener })();
  expect(noted(feed, 300)).toHaveLength(300);
});
