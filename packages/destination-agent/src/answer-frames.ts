import { PAGE_SIZE, type Block, type PageSet } from '@pageferry/transfer';
import { FrameKind, HEADER_BYTES, RUN_BYTES, writeHeader, writeRun } from '@pageferry/wire';

/** 12 KiB a frame. */
const RUNS_A_FRAME = 1024;

export function acknowledgeFrame(sequence: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES);
  writeHeader(frame, { kind: FrameKind.ack, sequence, block: 0, count: 0 });
  return frame;
}

/** Consecutive pages of a block. */
export interface Run {
  /** Page address within the block, bytes. */
  readonly address: number;
  readonly pages: number;
}

/** A frame whose body is runs of one block. */
export function runsFrame(kind: FrameKind, sequence: number, block: Block, runs: readonly Run[]): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + runs.length * RUN_BYTES);
  writeHeader(frame, { kind, sequence, block: block.index, count: runs.length });
  runs.forEach(({ address, pages }, index) => {
    writeRun(frame, index, address, pages);
  });
  return frame;
}

/** Asks for `pages` pages of `block`. */
export function requestFrame(block: Block, address: number, pages: number): Buffer {
  return runsFrame(FrameKind.requests, 0, block, [{ address, pages }]);
}

/** Names every page of `missing`, as `stale` frames. */
export function missingFrames(missing: PageSet): Buffer[] {
  const frames: Buffer[] = [];
  for (const block of missing.layout.blocks) {
    const runs: Run[] = [];
    const end = block.firstPage + block.pageCount;
    let first = missing.nextSet(block.firstPage);
    while (first !== -1 && first < end) {
      const pages = missing.runLength(first, end - first);
      runs.push({ address: (first - block.firstPage) * PAGE_SIZE, pages });
      first = missing.nextSet(first + pages);
    }
    for (let from = 0; from < runs.length; from += RUNS_A_FRAME) {
      frames.push(runsFrame(FrameKind.stale, 0, block, runs.slice(from, from + RUNS_A_FRAME)));
    }
  }
  return frames;
}
