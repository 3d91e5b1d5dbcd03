import { expect, test } from 'vitest';
import { mapSome } from '../environment/map-some.js';

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test('maps in order, and no more at once than asked for', async () => {
  let underway = 0;
  let most = 0;
  const doubled = await mapSome([1, 2, 3, 4, 5], 2, async (item, index) => {
    most = Math.max(most, ++underway);
    for (let turns = index === 0 ? 9 : 1; turns > 0; turns--) await turn();
    underway--;
    return item * 2;
  });
  expect(doubled).toEqual([2, 4, 6, 8, 10]);
  expect(most).toBe(2);
  expect(await mapSome([], 2, () => Promise.resolve(1))).toEqual([]);
});

test('begins none after an error, and waits for those under way', async () => {
  const ended: number[] = [];
  const mapped = mapSome([1, 2, 3, 4], 2, async (item) => {
    if (item === 2) throw new Error('the second');
    for (let turns = 3; turns > 0; turns--) await turn();
    ended.push(item);
  });
  await expect(mapped).rejects.toThrow('the second');
  expect(ended).toEqual([1]);
});
