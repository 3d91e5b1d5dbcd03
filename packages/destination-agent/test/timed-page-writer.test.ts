import { PAGE_SIZE, PageLayout } from '@pageferry/transfer';
import { FrameKind, HEADER_BYTES, RUN_BYTES, writeHeader, writeRun } from '@pageferry/wire';
import { expect, test } from 'vitest';
import { PageReceiver } from '../src/page-receiver.js';
import { PageRequestTimes } from '../src/page-request-times.js';
import { TimedPageWriter } from '../src/timed-page-writer.js';

const layout = new PageLayout([{ name: 'ram', length: 64 * PAGE_SIZE, pageSize: PAGE_SIZE }]);

function runFrame(
  kind: typeof FrameKind.zeroPages | typeof FrameKind.stale,
  sequence: number,
  page: number,
  count: number,
): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + RUN_BYTES);
  writeHeader(frame, { kind, sequence, block: 0, count: 1 });
  writeRun(frame, 0, page * PAGE_SIZE, count);
  return frame;
}

test('what a receiver places is passed on, and measured if it was asked for', async () => {
  const writes: string[] = [];
  const note = async (what: string): Promise<void> => {
    writes.push(what);
    return Promise.resolve();
  };
  const session = {
    writePages: async () => note('pages'),
    writeZeroPages: async (_block: unknown, address: number, pages: number) =>
      note(`${pages} from ${address}`),
    writePageDeltas: async () => note('deltas'),
  };
  const waited: number[] = [];
  const times: PageRequestTimes = new PageRequestTimes(
    () => receiver.missing,
    (seconds) => waited.push(seconds),
  );
  const acknowledged: number[] = [];
  const receiver: PageReceiver = new PageReceiver({
    layout,
    session: new TimedPageWriter(session, times),
    window: 2 * 1024 * 1024,
    source: {
      acknowledge: (sequence) => acknowledged.push(sequence),
      refuse: () => undefined,
      contents: undefined,
    },
  });
  receiver.take(runFrame(FrameKind.stale, 1, 4, 4));
  void receiver.receiveDeviceState(1);
  receiver.enterPostcopy();
  times.begin(5, 1);
  receiver.take(runFrame(FrameKind.zeroPages, 2, 6, 2));
  await expect.poll(() => acknowledged).toEqual([1, 2]);
  expect(waited).toEqual([]);
  receiver.take(runFrame(FrameKind.zeroPages, 3, 4, 2));
  await expect.poll(() => acknowledged).toEqual([1, 2, 3]);
  expect(waited).toHaveLength(1);
  expect(writes).toEqual([`2 from ${6 * PAGE_SIZE}`, `2 from ${4 * PAGE_SIZE}`]);
});
