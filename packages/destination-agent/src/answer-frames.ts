import { PAGE_SIZE, type Block, type PageSet } from '@pageferry/transfer';
import { FrameKind, HEADER_BYTES, RUN_BYTES, writeHeader, writeRun } from '@pageferry/wire';

/** 12 KiB a frame. */
const RUNS_A_FRAME = 1024;

export function acknowledgeFrame(sequence: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES);
  writeHeader(frame, { kind: FrameKind.ack, sequence, block: 0, count: 0 });
  return frame;
}

/** Asks for `pages` pages of `block`. */
export function requestFrame(block: Block, address: number, pages: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + RUN_BYTES);
  writeHeader(frame, { kind: FrameKind.requests, sequence: 0, block: block.index, count: 1 });
  writeRun(frame, 0, address, pages);
  return frame;
}

/** Names every page of `missing`, as `stale` frames. */
export function missingFrames(missing: PageSet): Buffer[] {
  const frames: Buffer[] = [];
  for (const block of missing.layout.blocks) {
    const runs: { readonly address: number; readonly pages: number }[] = [];
    const end = block.firstPage + block.pageCount;
    let first = missing.nextSet(block.firstPage);
    while (first !== -1 && first < end) {
      const pages = missing.runLength(first, end - first);
      runs.push({ address: (first - block.firstPage) * PAGE_SIZE, pages });
      first = missing.nextSet(first + pages);
    }
    for (let from = 0; from < runs.length; from += RUNS_A_FRAME) {
      frames.push(staleFrame(block, runs.slice(from, from + RUNS_A_FRAME)));
    }
  }
  return frames;
}

function staleFrame(
  block: Block,
  runs: readonly { readonly address: number; readonly pages: number }[],
): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + runs.length * RUN_BYTES);
  writeHeader(frame, { kind: FrameKind.stale, sequence: 0, block: block.index, count: runs.length });
  runs.forEach(({ address, pages }, index) => {
    writeRun(frame, index, address, pages);
  });
  return frame;
}
