import { beforeEach, expect, test } from 'vitest';
import { SharedFlow, Urgency, type FlowPart } from '../src/shared-flow.js';

class Part implements FlowPart {
  urgency = Urgency.precopy;
  window = 1000;
  isWaiting = false;
  isStalled = false;
  readonly #woken: Part[];

  constructor(woken: Part[]) {
    this.#woken = woken;
  }

  wake(): void {
    this.#woken.push(this);
  }
}

let flow: SharedFlow;
let woken: Part[];
let first: Part;
let second: Part;

beforeEach(() => {
  flow = new SharedFlow();
  woken = [];
  first = new Part(woken);
  second = new Part(woken);
  flow.join(first);
  flow.join(second);
});

const free = (): boolean[] => [first, second].map((part) => flow.isFree(part));

test('of two that are alike the first has the link while it waits to send, and the second what it leaves', () => {
  expect(free()).toEqual([true, true]);
  second.isWaiting = true;
  expect(free()).toEqual([true, true]);
  first.isWaiting = true;
  expect(free()).toEqual([true, false]);
});

test('a guest that lacks pages goes before one that runs here', () => {
  second.urgency = Urgency.postcopy;
  second.isWaiting = true;
  expect(free()).toEqual([false, true]);
});

test('while a guest is stopped no other sends, whether it sends or not', () => {
  second.urgency = Urgency.stopped;
  expect(free()).toEqual([false, true]);
});

test('one whose destination hangs holds nobody up, not even stopped', () => {
  first.urgency = Urgency.stopped;
  first.isWaiting = true;
  expect(free()).toEqual([true, false]);
  first.isStalled = true;
  expect(free()).toEqual([true, true]);
});

test('no more is in flight than the more urgent allow', () => {
  first.window = 100;
  flow.sent(100, 100, 0);
  expect(free()).toEqual([true, false]);
  flow.acknowledged({ bytes: 100, weight: 100, references: 0 }, 1);
  expect(free()).toEqual([true, true]);
});

test('one that has left is asked no more', () => {
  first.isWaiting = true;
  flow.leave(first);
  expect(flow.isFree(second)).toBe(true);
  expect(woken).toEqual([second]);
});

test('the more urgent are woken first', () => {
  second.urgency = Urgency.stopped;
  flow.wakeAll();
  expect(woken).toEqual([second, first]);
});

test('what references are acknowledged with says nothing of the link', () => {
  for (let at = 0; at < 1000; at += 10) {
    flow.sent(1000, 1000, at);
    flow.acknowledged({ bytes: 1000, weight: 1000, references: 0 }, at + 10);
  }
  const before = flow.bytesPerSecond;
  for (let at = 1000; at < 2000; at += 10) {
    flow.sent(10, 1000, at);
    flow.acknowledged({ bytes: 10, weight: 1000, references: 1 }, at + 10);
  }
  expect(before).toBeGreaterThan(0);
  expect(flow.bytesPerSecond).toBe(before);
});

test('until the link was seen busy with pages, what the destination takes stands in', () => {
  for (let at = 0; at < 1000; at += 10) {
    flow.sent(10, 1000, at);
    flow.acknowledged({ bytes: 10, weight: 1000, references: 1 }, at + 10);
  }
  expect(flow.bytesPerSecond).toBeCloseTo(100_000, -4);
});
