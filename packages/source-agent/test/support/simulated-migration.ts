import { pino } from 'pino';
import type { FirstPassSink } from '@pageferry/qemu';
import {
  ContentStore,
  PAGE_SIZE,
  applyPagePatch,
  PageLayout,
  PageSet,
  type BlockShape,
} from '@pageferry/transfer';
import {
  FrameKind,
  HEADER_BYTES,
  NO_SLOT,
  PAGE_RECORD_BYTES,
  PATCH_HEADER_BYTES,
  REFERENCE_BYTES,
  RUN_BYTES,
  checkDeltasFrame,
  checkPagesFrame,
  checkPatchesFrame,
  checkReferencesFrame,
  checkRunsFrame,
  checkStoredPagesFrame,
  decompressPages,
  deltaLength,
  patchLength,
  readAddress,
  readHeader,
  runAddress,
  runPages,
  storedSlot,
  writeHeader,
  writeRun,
} from '@pageferry/wire';
import { applyDelta } from '../../../transfer/test/support/apply-delta.js';
import { FlowControl, type FrameCarrier } from '../../src/flow-control.js';
import type { GangContents } from '../../src/known-contents.js';
import { PageFilter } from '../../src/page-filter/page-filter.js';
import { PageSender, type GuestMemory } from '../../src/page-sender.js';
import type { PrecopyOptions } from '../../src/precopy.js';
import type { SharedFlow } from '../../src/shared-flow.js';
import { Progress } from '../../src/progress.js';

export const silent = pino({ level: 'silent' });

export const twoBlocks: readonly BlockShape[] = [
  { name: 'ram', length: 600 * PAGE_SIZE, pageSize: PAGE_SIZE },
  { name: 'rom', length: 40 * PAGE_SIZE, pageSize: PAGE_SIZE },
];

/** A guest's memory, block by block, and which pages it has written to since somebody looked. */
export class SimulatedGuest implements GuestMemory {
  readonly layout: PageLayout;
  readonly blocks: readonly Buffer[];
  readonly dirtied: PageSet;

  constructor(shapes: readonly BlockShape[] = twoBlocks) {
    this.layout = new PageLayout(shapes);
    this.blocks = shapes.map(({ length }) => Buffer.alloc(length));
    this.dirtied = new PageSet(this.layout);
  }

  readSync(block: number, address: number, target: Uint8Array, offset: number, length: number): void {
    target.set(this.#block(block).subarray(address, address + length), offset);
  }

  write(page: number, offset: number, bytes: Uint8Array): void {
    const block = this.layout.blockOfPage(page);
    this.#block(block.index).set(bytes, this.layout.address(block, page) + offset);
    this.dirtied.add(page);
  }

  #block(index: number): Buffer {
    const block = this.blocks[index];
    if (block === undefined) throw new RangeError(`there is no block ${index}`);
    return block;
  }
}

/**
 * A destination that applies every frame to a memory of its own, strictly: what no QEMU would take is an error. It
 * acknowledges a frame some turns later.
 */
export class SimulatedDestination implements FrameCarrier {
  readonly memory: readonly Buffer[];
  readonly frames: Buffer[] = [];
  readonly received: PageSet;
  isOpen = true;
  readonly closed = new Promise<never>(() => undefined);
  /** Takes acknowledgements and requests. */
  onFrame: (frame: Buffer) => void = () => undefined;
  /** Whether frames are acknowledged by themselves. */
  acknowledges = true;
  /** What came for this and other guests; see `ContentStore`. */
  readonly contents: ContentStore;
  readonly #layout: PageLayout;

  constructor(layout: PageLayout, contents = new ContentStore(0)) {
    this.#layout = layout;
    this.contents = contents;
    this.memory = layout.blocks.map(({ length }) => Buffer.alloc(length, 0xdb));
    this.received = new PageSet(layout);
  }

  async sendFrame(frame: Buffer): Promise<void> {
    const copy = Buffer.from(frame);
    this.frames.push(copy);
    this.#apply(copy);
    // Whoever sent it may use the buffer again; nothing of it may be needed later.
    await Promise.resolve();
    if (this.acknowledges)
      setImmediate(() => {
        this.acknowledge(readHeader(copy).sequence);
      });
  }

  acknowledge(sequence: number): void {
    const ack = Buffer.alloc(HEADER_BYTES);
    writeHeader(ack, { kind: FrameKind.ack, sequence, block: 0, count: 0 });
    this.onFrame(ack);
  }

  request(page: number, count: number): void {
    const block = this.#layout.blockOfPage(page);
    const frame = Buffer.alloc(HEADER_BYTES + RUN_BYTES);
    writeHeader(frame, { kind: FrameKind.requests, sequence: 0, block: block.index, count: 1 });
    writeRun(frame, 0, this.#layout.address(block, page), count);
    this.onFrame(frame);
  }

  /** The first page of each frame so far, in the order of sending. */
  get order(): number[] {
    return this.frames.flatMap((frame) => {
      const header = readHeader(frame);
      const first = this.#layout.blocks[header.block]?.firstPage ?? 0;
      const pages = header.kind === FrameKind.compressedPages ? decompressPages(frame, header) : frame;
      return first + readAddress(pages, HEADER_BYTES) / PAGE_SIZE;
    });
  }

  #apply(frame: Buffer): void {
    const header = readHeader(frame);
    const memory = this.memory[header.block] ?? Buffer.alloc(0);
    switch (header.kind) {
      case FrameKind.compressedPages:
      case FrameKind.compressedStoredPages:
        this.#apply(decompressPages(frame, header));
        return;
      case FrameKind.storedPages:
        checkStoredPagesFrame(frame, header, memory.length, this.contents.slots);
        for (let index = 0; index < header.count; index++) {
          const at = HEADER_BYTES + index * PAGE_RECORD_BYTES;
          frame.copy(memory, readAddress(frame, at), at + 8, at + PAGE_RECORD_BYTES);
          this.#note(header.block, readAddress(frame, at), 1);
          const slot = storedSlot(frame, header, index);
          if (slot !== NO_SLOT) this.contents.put(slot, frame, at + 8);
        }
        return;
      case FrameKind.references:
        checkReferencesFrame(frame, header, memory.length, this.contents.slots);
        for (let at = HEADER_BYTES; at < frame.length; at += REFERENCE_BYTES) {
          const slot = frame.readUInt32BE(at + 8);
          if (frame.readUInt32BE(at + 12) !== this.contents.generation(slot))
            throw new Error('a stale reference');
          const { bytes, offset } = this.contents.content(slot);
          bytes.copy(memory, readAddress(frame, at), offset, offset + PAGE_SIZE);
          this.#note(header.block, readAddress(frame, at), 1);
        }
        return;
      case FrameKind.pages:
        checkPagesFrame(frame, header, memory.length);
        for (let at = HEADER_BYTES; at < frame.length; at += PAGE_RECORD_BYTES) {
          const address = readAddress(frame, at);
          frame.copy(memory, address, at + 8, at + PAGE_RECORD_BYTES);
          this.#note(header.block, address, 1);
        }
        return;
      case FrameKind.zeroPages:
        checkRunsFrame(frame, header, memory.length);
        for (let index = 0; index < header.count; index++) {
          const address = runAddress(frame, index);
          memory.fill(0, address, address + runPages(frame, index) * PAGE_SIZE);
          this.#note(header.block, address, runPages(frame, index));
        }
        return;
      case FrameKind.pageDeltas:
        checkDeltasFrame(frame, header, memory.length);
        for (let at = HEADER_BYTES; at < frame.length; at += 11 + deltaLength(frame, at)) {
          const address = readAddress(frame, at);
          applyDelta(
            memory.subarray(address, address + PAGE_SIZE),
            frame.subarray(at + 11, at + 11 + deltaLength(frame, at)),
          );
          this.#note(header.block, address, 1);
        }
        return;
      case FrameKind.patches:
        checkPatchesFrame(frame, header, memory.length, this.contents.slots);
        for (let at = HEADER_BYTES; at < frame.length; at += PATCH_HEADER_BYTES + patchLength(frame, at)) {
          const slot = frame.readUInt32BE(at + 8);
          if (frame.readUInt32BE(at + 12) !== this.contents.generation(slot))
            throw new Error('a stale patch');
          const { bytes, offset } = this.contents.content(slot);
          const address = readAddress(frame, at);
          const length = patchLength(frame, at);
          if (!applyPagePatch(bytes, offset, frame, at + PATCH_HEADER_BYTES, length, memory, address))
            throw new Error('a patch that makes no page');
          this.#note(header.block, address, 1);
        }
        return;
      default:
        throw new Error(`a frame of kind ${header.kind}`);
    }
  }

  #note(block: number, address: number, count: number): void {
    this.received.addRange((this.#layout.blocks[block]?.firstPage ?? 0) + address / PAGE_SIZE, count);
  }
}

/** A log of a {@link SimulatedGuest}, which may write on whenever it is looked at. */
export class SimulatedDirtyLog {
  readonly #guest: SimulatedGuest;
  readonly #write: () => void;

  constructor(guest: SimulatedGuest, write: () => void = () => undefined) {
    this.#guest = guest;
    this.#write = write;
  }

  async readFirstPass(content: FirstPassSink, changed: PageSet, signal: AbortSignal): Promise<void> {
    for (const block of this.#guest.layout.blocks) {
      for (let address = 0; address < block.length && !content.enough(); address += PAGE_SIZE) {
        signal.throwIfAborted();
        const page =
          this.#guest.blocks[block.index]?.subarray(address, address + PAGE_SIZE) ?? Buffer.alloc(0);
        if (page.every((byte) => byte === 0)) content.zero(block.index, address);
        else {
          // In two chunks.
          const offset = content.page(block.index, address);
          if (offset !== -1) page.copy(content.target, offset, 0, PAGE_SIZE / 2);
          await content.ready(true);
          if (offset !== -1) page.copy(content.target, offset + PAGE_SIZE / 2, PAGE_SIZE / 2);
        }
        await content.ready(false);
      }
    }
    await this.collect(changed, signal);
  }

  async collect(changed: PageSet, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await Promise.resolve();
    this.#write();
    changed.addAll(this.#guest.dirtied);
    this.#guest.dirtied.clear();
  }
}

export interface SimulatedMigration {
  readonly guest: SimulatedGuest;
  readonly destination: SimulatedDestination;
  readonly flow: FlowControl;
  readonly sender: PageSender;
  readonly progress: Progress;
  readonly pending: PageSet;
  /** Of which nothing is wanted. */
  readonly filter: PageFilter;
}

export interface SimulationOptions {
  readonly window?: number;
  readonly sentPagesBytes?: number;
  readonly shapes?: readonly BlockShape[];
}

/** What migrations over one connection have in common, here and there. */
export interface SharedSimulation {
  readonly flow: SharedFlow;
  readonly known: GangContents;
  readonly contents: ContentStore;
}

/** All of a source agent that stands between a guest and a destination. */
export function simulateMigration(
  signal: AbortSignal,
  { window = 8 * 1024 * 1024, sentPagesBytes = 64 * PAGE_SIZE, shapes = twoBlocks }: SimulationOptions = {},
  shared?: SharedSimulation,
): SimulatedMigration {
  const guest = new SimulatedGuest(shapes);
  const destination = new SimulatedDestination(guest.layout, shared?.contents);
  const flow = new FlowControl(destination, window, signal, shared?.flow);
  destination.onFrame = (frame) => {
    flow.acknowledge(readHeader(frame).sequence);
  };
  const sender = new PageSender(guest.layout, guest, flow, sentPagesBytes);
  sender.referTo(shared?.known);
  const pending = new PageSet(guest.layout);
  pending.fill();
  const filter = new PageFilter(guest.layout, {
    wanted: { free: false, cache: false },
    open: () => Promise.reject(new Error('nothing is wanted')),
    log: silent,
    signal,
  });
  return { guest, destination, flow, sender, progress: new Progress(), pending, filter };
}

/** Pre-copy of it, with what the guest does before each look at the log; the request is patient, and cancels what stalls. */
export function precopyOptions(
  { guest, sender, flow, pending, progress, filter }: SimulatedMigration,
  signal: AbortSignal,
  write?: () => void,
  changes: Partial<PrecopyOptions> = {},
): PrecopyOptions {
  return {
    dirtyLog: new SimulatedDirtyLog(guest, write),
    sender,
    flow,
    pending,
    progress,
    filter,
    downtimeLimitMs: 300,
    timeLimitMs: 60_000,
    whenStalled: 'cancel',
    mayStop: () => true,
    switchOverForced: () => false,
    log: silent,
    signal,
    ...changes,
  };
}
