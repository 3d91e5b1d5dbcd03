import { PageferryError } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import { PAGE_SIZE, PageSet, type PageLayout } from '@pageferry/transfer';
import {
  FrameKind,
  checkRunsFrame,
  errorFromWire,
  readHeader,
  runAddress,
  runPages,
  type ControlOf,
} from '@pageferry/wire';

const STANDING_TIMEOUT_MS = 30_000;

/** The destination's word on a migration that it has heard of before. */
export interface Standing extends Pick<ControlOf<'standing'>, 'phase' | 'completed'> {
  /** Pages that it lacks. */
  readonly missing: PageSet;
  /** Why it gave up the guest, if it has it and did. */
  readonly error?: PageferryError;
}

/**
 * What the destination says, on a new connection, of who has the guest and which pages it lacks.
 *
 * @param timeoutMs for each of the two
 * @throws what `PeerConnection.next` does; `peer-timeout`
 */
export async function takeStanding(
  peer: PeerConnection,
  layout: PageLayout,
  signal: AbortSignal,
  timeoutMs = STANDING_TIMEOUT_MS,
): Promise<Standing> {
  const missing = new PageSet(layout);
  let complete: () => void = () => undefined;
  const allNamed = new Promise<void>((resolve) => {
    complete = resolve;
  });
  let expected = Infinity;
  peer.onFrame = (frame) => {
    const header = readHeader(frame);
    const block = layout.blocks[header.block];
    // Everything is missing that may be asked for here, so it will be sent anyhow.
    if (header.kind === FrameKind.requests) return;
    if (header.kind !== FrameKind.stale || block === undefined) {
      throw new PageferryError('protocol-violation', `the destination sent a frame of kind ${header.kind}`);
    }
    checkRunsFrame(frame, header, block.length);
    for (let index = 0; index < header.count; index++) {
      missing.addRange(block.firstPage + runAddress(frame, index) / PAGE_SIZE, runPages(frame, index));
    }
    if (missing.count >= expected) complete();
  };
  const { phase, completed, error, ...standing } = await peer.next(['standing'], { signal, timeoutMs });
  if (error !== undefined)
    return { phase, completed, missing, error: errorFromWire(error).on('destination') };
  if (phase !== 'owner' || completed) return { phase, completed, missing };
  expected = standing.missing;
  if (missing.count < expected) {
    await peer.whole(allNamed, `the names of all ${expected} pages that it lacks`, { signal, timeoutMs });
  }
  return { phase, completed, missing };
}
