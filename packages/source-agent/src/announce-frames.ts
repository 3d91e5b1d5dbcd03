import { abortable } from '@pageferry/errors';
import { PAGE_SIZE, type PageSet } from '@pageferry/transfer';
import { FrameKind, HEADER_BYTES, RUN_BYTES, writeHeader, writeRun } from '@pageferry/wire';
import type { FlowControl } from './flow-control.js';

const RUNS_A_FRAME = 4096;
const DEVICE_STATE_BYTES_A_FRAME = 256 * 1024;

/** Names every page of the set to the destination as stale. */
export async function sendStalePages(pages: PageSet, flow: FlowControl, signal: AbortSignal): Promise<void> {
  const frame = Buffer.alloc(HEADER_BYTES + RUNS_A_FRAME * RUN_BYTES);
  for (const block of pages.layout.blocks) {
    const end = block.firstPage + block.pageCount;
    let first = pages.nextSet(block.firstPage);
    while (first !== -1 && first < end) {
      let count = 0;
      while (first !== -1 && first < end && count < RUNS_A_FRAME) {
        const length = pages.runLength(first, end - first);
        writeRun(frame, count, (first - block.firstPage) * PAGE_SIZE, length);
        count++;
        first = pages.nextSet(first + length);
      }
      writeHeader(frame, { kind: FrameKind.stale, sequence: 0, block: block.index, count });
      await abortable(signal, flow.send(Buffer.from(frame.subarray(0, HEADER_BYTES + count * RUN_BYTES))));
      await flow.room();
      signal.throwIfAborted();
    }
  }
}

export async function sendDeviceState(
  sections: Buffer,
  flow: FlowControl,
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < sections.length; at += DEVICE_STATE_BYTES_A_FRAME) {
    const part = sections.subarray(at, at + DEVICE_STATE_BYTES_A_FRAME);
    const header = Buffer.alloc(HEADER_BYTES);
    writeHeader(header, { kind: FrameKind.deviceState, sequence: 0, block: 0, count: part.length });
    await abortable(signal, flow.send(Buffer.concat([header, part])));
    await flow.room();
  }
}
