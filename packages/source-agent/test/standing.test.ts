import { connectToDestination } from '@pageferry/link';
import { PAGE_SIZE, PageLayout } from '@pageferry/transfer';
import { FrameKind, HEADER_BYTES, RUN_BYTES, writeHeader, writeRun } from '@pageferry/wire';
import { expect, test } from 'vitest';
import { takeStanding, type Standing } from '../src/standing.js';
import { FakeDestination, type Answer } from './support/fake-destination.js';

const layout = new PageLayout([{ name: 'ram', length: 64 * PAGE_SIZE, pageSize: PAGE_SIZE }]);
const { signal } = new AbortController();

/** What a source learns from a destination that lacks `missing` pages, and names the first `named`. */
async function standingOf({ missing, named }: { missing: number; named: number }): Promise<Standing> {
  const answer: Answer = async (peer) => {
    await peer.send({ type: 'standing', phase: 'owner', completed: false, missing });
    const frame = Buffer.alloc(HEADER_BYTES + RUN_BYTES);
    writeHeader(frame, { kind: FrameKind.stale, sequence: 0, block: 0, count: 1 });
    writeRun(frame, 0, 0, named);
    await peer.sendFrame(frame);
  };
  const { url } = await FakeDestination.listen(answer);
  const peer = await connectToDestination(url, signal);
  await peer.send({
    type: 'hello',
    lowest: 1,
    highest: 1,
    software: 'test',
    migration: 'c0ffee00-0000-4000-8000-000000000000',
    resume: true,
  });
  try {
    return await takeStanding(peer, layout, signal, 200);
  } finally {
    peer.close();
  }
}

test('a destination that names all the pages that it lacks is understood', async () => {
  const { phase, missing } = await standingOf({ missing: 5, named: 5 });
  expect({ phase, missing: missing.count }).toEqual({ phase: 'owner', missing: 5 });
});

test('one that names too few is not waited for without end', async () => {
  await expect(standingOf({ missing: 5, named: 4 })).rejects.toMatchObject({
    code: 'peer-timeout',
    message: 'the destination agent did not send the names of all 5 pages that it lacks within 200 ms',
  });
});
