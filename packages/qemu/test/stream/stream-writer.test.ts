import { afterEach, describe, expect, it } from 'vitest';
import { PageSet, type Block } from '@pageferry/transfer';
import type { IncomingSession, IncomingSessionOptions } from '../../src/incoming/incoming-session.js';
import { runState } from '../../src/machine/guest-control.js';
import { humanMonitor } from '../../src/qmp/human-monitor.js';
import { withHugepages } from '../support/hugepages.js';
import { IncomingPair, MEMORY_MIB, type IncomingMachine } from '../support/incoming-pair.js';
import { Random } from '../support/random.js';
import { ShadowMemory } from '../support/shadow-memory.js';

const { signal } = new AbortController();
/** Pages of one frame, at most. */
const BATCH = 64;

let pair: IncomingPair | undefined;

afterEach(async () => {
  await pair?.kill();
});

type Requested = IncomingSessionOptions['onRequest'];

const noRequest: Requested = (block, address) => {
  throw new Error(`nobody lacks ${block}:${address} in pre-copy`);
};

/** Says what the shadow holds of these pages of one block, in this order: zero pages as runs. */
async function send(to: IncomingSession, shadow: ShadowMemory, pages: readonly number[]): Promise<void> {
  for (let at = 0; at < pages.length; at += BATCH) {
    const batch = pages.slice(at, at + BATCH);
    const zero = batch.map((page) => shadow.page(page).every((byte) => byte === 0));
    for (let first = 0; first < batch.length;) {
      let end = first + 1;
      const joins = (index: number): boolean =>
        zero[index] === zero[first] && (zero[first] !== true || batch[index] === (batch[index - 1] ?? 0) + 1);
      while (end < batch.length && joins(end)) end++;
      await sendAlike(to, shadow, batch.slice(first, end), zero[first] === true);
      first = end;
    }
  }
}

async function sendAlike(
  to: IncomingSession,
  shadow: ShadowMemory,
  pages: readonly number[],
  zero: boolean,
): Promise<void> {
  const [first = -1] = pages;
  const block = shadow.layout.blockOfPage(first);
  if (zero) await to.writeZeroPages(block, shadow.layout.address(block, first), pages.length);
  else await to.writePages(block, shadow.records(block, pages), 0, pages.length);
}

/** Changes every third page or so: most of them to noise, some to zero. */
function scribble(shadow: ShadowMemory, random: Random, block: Block): number[] {
  const pages = Array.from({ length: block.pageCount }, (_, index) => block.firstPage + index);
  const changed = pages.filter(() => random.below(3) === 0);
  for (const page of changed) {
    if (random.below(4) === 0) shadow.page(page).fill(0);
    else random.fill(shadow.page(page));
  }
  return changed;
}

const machines: readonly IncomingMachine[] = [
  { machine: 'pc' },
  { machine: 'q35' },
  { machine: 'pc', hugepages: true },
];

/** Runs the test on the machine, with the huge pages that it needs. */
async function onMachine(
  machine: IncomingMachine,
  test: (pair: IncomingPair) => Promise<void>,
): Promise<void> {
  const run = async (): Promise<void> => {
    pair = await IncomingPair.start(machine);
    try {
      await test(pair);
    } finally {
      await pair.kill();
    }
  };
  if (machine.hugepages === true) await withHugepages(MEMORY_MIB, run);
  else await run();
}

const title = ({ machine, hugepages }: IncomingMachine): string =>
  `${machine} with pages of ${hugepages === true ? '2 MiB' : '4 KiB'}`;

describe('QEMU loads what the stream writer writes, byte for byte', () => {
  it.each(machines.map((machine) => [title(machine), machine] as const))(
    'by pre-copy into %s: pages out of order, overwritten, zero, never sent, ROMs',
    async (_title, machine) => {
      await onMachine(machine, async (pair) => {
        const random = new Random(1);
        const { layout } = pair;
        const shadow = new ShadowMemory(layout);
        // What is never sent stays what it is.
        await pair.read((reader) => {
          shadow.copyFrom(reader);
        });
        const to = await pair.open({ signal, onRequest: noRequest });
        for (let pass = 0; pass < 2; pass++) {
          for (const block of random.shuffle(layout.blocks)) {
            await send(to, shadow, random.shuffle(scribble(shadow, random, block)));
          }
        }
        for (const { firstPage, pageCount } of layout.blocks) {
          // Runs of zero pages over pages that have been something else.
          const run = Array.from({ length: Math.ceil(pageCount / 4) }, (_, index) => firstPage + index);
          for (const page of run) shadow.page(page).fill(0);
          await send(to, shadow, run);
        }
        await to.loadPrecopy(pair.deviceSections, signal);

        expect(await runState(pair.destination.qmp)).toEqual({ status: 'paused', running: false });
        await pair.read((reader) => {
          shadow.expectIn(reader);
        });
      });
    },
  );

  it.each(machines.map((machine) => [title(machine), machine] as const))(
    'by post-copy into %s: stale pages discarded, requested ones first, each placed once',
    async (_title, machine) => {
      await onMachine(machine, async (pair) => {
        const random = new Random(2);
        const { layout, destination } = pair;
        const shadow = new ShadowMemory(layout);
        const requests = new Requests();
        const to = await pair.open({ signal, postcopy: true, onRequest: requests.add });
        const stale = new PageSet(layout);
        stale.fill();
        for (const block of random.shuffle(layout.blocks)) {
          const pages = random.shuffle(scribble(shadow, random, block));
          await send(to, shadow, pages);
          for (const page of pages) stale.delete(page);
        }
        for (const block of layout.blocks) {
          // Half of what was sent is still good.
          const half = { ...block, pageCount: Math.floor(block.pageCount / 2) };
          for (const page of scribble(shadow, random, half)) stale.add(page);
        }
        stale.growToHostPages();
        await to.loadPostcopy(
          (discard) => {
            stale.forEachRun((first, count) => {
              const block = layout.blockOfPage(first);
              discard(block, layout.address(block, first), count * 4096);
            });
          },
          pair.deviceSections,
          signal,
        );
        expect(await runState(destination.qmp)).toEqual({ status: 'paused', running: false });

        // QEMU itself reads a page that it lacks, and gets what it is sent for its request.
        const ram = layout.blockNamed('pc.ram');
        if (ram === undefined) throw new Error('there is no pc.ram');
        const lacking = stale.nextSet(ram.firstPage + 0x100_0000 / 4096);
        random.fill(shadow.page(lacking));
        const address = layout.address(ram, lacking);
        const read = humanMonitor(destination.qmp, `xp /1wx ${address}`);
        const requested = await requests.next();
        expect(requested.blockName).toBe('pc.ram');
        expect(requested.bytes).toBe(ram.pageSize);
        expect(requested.address).toBe(address - (address % ram.pageSize));
        await place(to, shadow, stale, ram.firstPage + requested.address / 4096);
        const word = shadow.page(lacking).readUInt32LE(0).toString(16).padStart(8, '0');
        expect(await read).toContain(`0x${word}`);

        const hostPages: number[] = [];
        stale.forEachRun((first, count) => {
          const { pagesPerHostPage } = layout.blockOfPage(first);
          for (let page = first; page < first + count; page += pagesPerHostPage) hostPages.push(page);
        });
        for (const page of random.shuffle(hostPages)) await place(to, shadow, stale, page);
        expect(stale.count).toBe(0);
        await to.finishPostcopy(signal);
        await pair.read((reader) => {
          shadow.expectIn(reader);
        });
      });
    },
  );
});

/** Sends one host page, in post-copy: its pages in order. */
async function place(
  to: IncomingSession,
  shadow: ShadowMemory,
  stale: PageSet,
  first: number,
): Promise<void> {
  const { pagesPerHostPage } = shadow.layout.blockOfPage(first);
  stale.deleteRange(first, pagesPerHostPage);
  await send(
    to,
    shadow,
    Array.from({ length: pagesPerHostPage }, (_, index) => first + index),
  );
}

interface PageRequest {
  readonly blockName: string;
  readonly address: number;
  readonly bytes: number;
}

/** The page requests that QEMU makes; the same may come twice. */
class Requests {
  readonly #requests: PageRequest[] = [];
  #arrived: () => void = () => undefined;

  readonly add: Requested = (blockName, address, bytes) => {
    this.#requests.push({ blockName, address, bytes });
    this.#arrived();
  };

  async next(): Promise<PageRequest> {
    if (this.#requests.length === 0) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    const [request] = this.#requests.splice(0);
    if (request === undefined) throw new Error('there is no request');
    return request;
  }
}
