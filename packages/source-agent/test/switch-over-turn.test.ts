import { expect, test } from 'vitest';
import { SwitchOverTurn } from '../src/switch-over-turn.js';

const one = {};
const other = {};
const { signal } = new AbortController();

test('one has the turn until it gives it back, however often it asks', async () => {
  const turn = new SwitchOverTurn();
  expect(turn.tryTake(one)).toBe(true);
  expect(turn.tryTake(other)).toBe(false);
  await turn.take(one, signal);
  turn.release(other);
  expect(turn.tryTake(other)).toBe(false);
  turn.release(one);
  expect(turn.tryTake(other)).toBe(true);
});

test('whoever waits gets it next', async () => {
  const turn = new SwitchOverTurn();
  turn.tryTake(one);
  const taken = turn.take(other, signal);
  turn.release(one);
  await taken;
  expect(turn.tryTake(one)).toBe(false);
});

test('a wait that is given up leaves the turn where it is', async () => {
  const turn = new SwitchOverTurn();
  turn.tryTake(one);
  const abort = new AbortController();
  const taken = turn.take(other, abort.signal);
  abort.abort(new Error('enough'));
  await expect(taken).rejects.toThrow('enough');
  turn.release(one);
  expect(turn.tryTake({})).toBe(true);
});
