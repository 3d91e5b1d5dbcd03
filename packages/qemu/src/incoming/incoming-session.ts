import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { PageferryError, asPageferryError, sleep, withTimeout } from '@pageferry/errors';
import type { Block } from '@pageferry/transfer';
import { migrationStanding } from '../machine/migration-standing.js';
import { MigrationSettings } from '../machine/migration-settings.js';
import type { QmpClient } from '../qmp/qmp-client.js';
import { TARGET_PAGE_BYTES } from '../stream/constants.js';
import {
  CONTINUED_DELTA_FLAGS,
  CONTINUED_PAGE_FLAGS,
  DiscardWriter,
  LOADED_PING,
  RAM_PART_END,
  type RamShape,
  postcopyPackage,
  postcopyResume,
  postcopyTail,
  precopyTail,
  ramPartWithDelta,
  ramPartWithPage,
  receivedPagesQuery,
  streamHead,
  zeroPagesPart,
} from '../stream/stream-writer.js';
import { openPausedPostcopy } from './paused-postcopy.js';
import { ReturnPathParser } from './return-path-parser.js';

/** One page record: u64 page address, then the page; the layout of QEMU's own records. */
export const RECORD_BYTES = 8 + TARGET_PAGE_BYTES;
/** What stands before the bytes of a page delta: u64 page address, u8 encoding, u16 length. */
const DELTA_HEADER_BYTES = 11;

const OPEN_TIMEOUT_MS = 10_000;
/** From the last byte of device state to QEMU's word, ms: devices may wait for pages of a slow link. */
const LOAD_TIMEOUT_MS = 60_000;
/** How often, and after which pauses, ms, QEMU is asked why it gave up. */
const REASON_LOOKS = 10;
const REASON_PAUSE_MS = 20;

export interface IncomingSessionOptions {
  /** For the socket; QEMU must be able to make one there. */
  readonly directory: string;
  readonly machineType: string;
  /** The source's RAM blocks, in its order. */
  readonly blocks: readonly RamShape[];
  /** Whether post-copy may follow. */
  readonly postcopy: boolean;
  readonly signal: AbortSignal;
  /** The guest, or QEMU on its behalf, waits for these bytes. */
  readonly onRequest: (blockName: string, address: number, bytes: number) => void;
}

type Waiting = { readonly resolve: () => void; readonly reject: (reason: unknown) => void };

/**
 * Plays the migration source towards a destination QEMU that waits with `-incoming defer`: writes its migration
 * stream and reads its return path. QEMU is told not to run the guest by itself; `cont` does.
 *
 * Every method rejects with `incoming-failed`, with QEMU's own reason where it gives one, or with what the signal was
 * aborted with. Writes resolve when QEMU's socket has taken the bytes.
 */
export class IncomingSession {
  readonly #qmp: QmpClient;
  readonly #socket: Socket;
  readonly #onRequest: IncomingSessionOptions['onRequest'];
  readonly #parser: ReturnPathParser;
  readonly #pongs = new Map<number, Waiting>();
  #shut: Waiting | undefined;
  #resumed: Waiting | undefined;
  #onReceivedPages: (blockName: string, bitmap: Buffer) => void = () => undefined;
  #finished = false;
  #failure: PageferryError | undefined;
  #failed: (failure: PageferryError) => void = () => undefined;
  /** Resolves, and never rejects, when QEMU gives up on the stream before its end. */
  readonly failure: Promise<PageferryError>;

  private constructor(qmp: QmpClient, socket: Socket, onRequest: IncomingSessionOptions['onRequest']) {
    this.#qmp = qmp;
    this.#socket = socket;
    this.#onRequest = onRequest;
    this.failure = new Promise((resolve) => {
      this.#failed = resolve;
    });
    this.#parser = new ReturnPathParser({
      shut: (result) => {
        this.#receiveShut(result);
      },
      pong: (value) => {
        this.#pongs.get(value)?.resolve();
      },
      requestPages: (blockName, address, bytes) => {
        this.#onRequest(blockName, address, bytes);
      },
      receivedPages: (blockName, bitmap) => {
        this.#onReceivedPages(blockName, bitmap);
      },
      resumed: () => {
        this.#resumed?.resolve();
      },
    });
    this.#listen();
  }

  /** Opens QEMU's incoming side and writes the stream's head, up to the RAM block list. */
  static async open(qmp: QmpClient, options: IncomingSessionOptions): Promise<IncomingSession> {
    const { signal } = options;
    // In `inmigrate` this only says: do not start the guest when the stream has been loaded.
    await qmp.execute('stop', undefined, { signal });
    await MigrationSettings.apply(
      qmp,
      {
        capabilities: {
          'postcopy-ram': options.postcopy,
          multifd: false,
          'postcopy-preempt': false,
          // Before 10.0 QEMU takes the disk images as soon as it is loaded, unless told to wait for `cont`.
          'late-block-activate': true,
        },
        parameters: {},
      },
      { signal, optional: ['late-block-activate'] },
    );
    const path = join(options.directory, 'incoming.sock');
    const { major, minor } = qmp.greeting.version.qemu;
    // Since 9.1 a QEMU can be told to stay alive after a failure, so that it can be asked for the reason.
    const keepsAlive = major > 9 || (major === 9 && minor >= 1);
    await qmp.execute(
      'migrate-incoming',
      { uri: `unix:${path}`, ...(keepsAlive ? { 'exit-on-error': false } : {}) },
      { signal },
    );
    const session = await IncomingSession.#connect(qmp, path, options);
    try {
      const started = session.#pong(1, OPEN_TIMEOUT_MS, signal);
      await Promise.all([
        started,
        session.#write([streamHead(options.machineType, options.blocks, options.postcopy)]),
      ]);
      return session;
    } catch (thrown) {
      session.close();
      throw asPageferryError(thrown, 'incoming-failed');
    }
  }

  /**
   * Takes up a post-copy whose stream broke, because the agent that wrote it is gone (`migration/migration.c`,
   * `postcopy_do_resume`). The guest runs, or waits for pages, and QEMU's main loop may wait with it: until QEMU has the
   * stream it is only told what it takes out of band. Undefined if post-copy has completed.
   * @param qmp with commands out of band
   * @param onReceived for each block: which pages QEMU has, one bit a page, lowest bit first
   */
  static async recover(
    qmp: QmpClient,
    options: Omit<IncomingSessionOptions, 'machineType' | 'postcopy'>,
    onReceived: (blockName: string, bitmap: Buffer) => void,
  ): Promise<IncomingSession | undefined> {
    const { signal, blocks } = options;
    const path = join(options.directory, 'recover.sock');
    await rm(path, { force: true });
    if (!(await openPausedPostcopy(qmp, `unix:${path}`, signal))) return undefined;
    const session = await IncomingSession.#connect(qmp, path, options);
    try {
      for (const { name } of blocks) {
        await session.#answer(OPEN_TIMEOUT_MS, signal, 'QEMU does not say which pages it has', (waiting) => {
          session.#onReceivedPages = (blockName, bitmap) => {
            onReceived(blockName, bitmap);
            waiting.resolve();
          };
          session.#write([receivedPagesQuery(name)]).catch(waiting.reject);
          return () => undefined;
        });
      }
      await session.#answer(OPEN_TIMEOUT_MS, signal, 'QEMU does not go on with post-copy', (waiting) => {
        session.#resumed = waiting;
        session.#write([postcopyResume()]).catch(waiting.reject);
        return () => undefined;
      });
      return session;
    } catch (thrown) {
      session.close();
      throw asPageferryError(thrown, 'incoming-failed');
    }
  }

  static async #connect(
    qmp: QmpClient,
    path: string,
    { signal, onRequest }: Pick<IncomingSessionOptions, 'signal' | 'onRequest'>,
  ): Promise<IncomingSession> {
    const socket = createConnection(path);
    try {
      await withTimeout(
        signal,
        OPEN_TIMEOUT_MS,
        'incoming-failed',
        'QEMU does not take the stream',
        (inner) => once(socket, 'connect', { signal: inner }),
      );
      return new IncomingSession(qmp, socket, onRequest);
    } catch (thrown) {
      socket.destroy();
      throw asPageferryError(thrown, 'incoming-failed');
    }
  }

  /**
   * Writes `count` page records of `records`, from `offset` on. The bytes are changed: each address gets QEMU's flags.
   */
  async writePages(block: Block, records: Buffer, offset: number, count: number): Promise<void> {
    const end = offset + count * RECORD_BYTES;
    for (let at = offset + RECORD_BYTES; at < end; at += RECORD_BYTES) {
      // The lowest byte of a page address is 0, and holds the flags.
      records[at + 7] = CONTINUED_PAGE_FLAGS;
    }
    const address = records.readUInt32BE(offset) * 2 ** 32 + records.readUInt32BE(offset + 4);
    await this.#write([ramPartWithPage(block, address), records.subarray(offset + 8, end), RAM_PART_END]);
  }

  /**
   * Says what changed in pages of one block that QEMU has, only before the switch-over. `records` are one after the
   * other: u64 address, u8 1, u16 length, and as many bytes of XBZRLE, from `offset` to the buffer's end. They are
   * turned into QEMU's records in place. QEMU refuses what does not fit into a page.
   */
  async writePageDeltas(block: Block, records: Buffer, offset: number): Promise<void> {
    const address = records.readUInt32BE(offset) * 2 ** 32 + records.readUInt32BE(offset + 4);
    let at = offset + DELTA_HEADER_BYTES + records.readUInt16BE(offset + 9);
    while (at < records.length) {
      const low = at + 7;
      at += DELTA_HEADER_BYTES + records.readUInt16BE(at + 9);
      records[low] = CONTINUED_DELTA_FLAGS;
    }
    await this.#write([ramPartWithDelta(block, address), records.subarray(offset + 8), RAM_PART_END]);
  }

  /** Says that `pages` pages of `block` are zero. */
  async writeZeroPages(block: Block, address: number, pages: number): Promise<void> {
    await this.#write([zeroPagesPart(block, address, pages)]);
  }

  /** Ends a pre-copy stream; resolves when QEMU has loaded all of it. The guest is paused then. */
  async loadPrecopy(deviceSections: Buffer, signal: AbortSignal): Promise<void> {
    const end = this.#waitForShut(LOAD_TIMEOUT_MS, signal);
    await Promise.all([end, this.#write([precopyTail(deviceSections)])]);
  }

  /**
   * Switches to post-copy; resolves when QEMU has loaded the device state. The guest is paused then, and `cont` runs
   * it, whatever pages it lacks.
   * @param stale gives every page that QEMU lacks or has in an old version, as ranges of whole host pages
   */
  async loadPostcopy(
    stale: (discard: (block: Block, address: number, bytes: number) => void) => void,
    deviceSections: Buffer,
    signal: AbortSignal,
  ): Promise<void> {
    const discards = new DiscardWriter();
    stale((block, address, bytes) => {
      discards.add(block, address, bytes);
    });
    const loaded = this.#pong(LOADED_PING, LOAD_TIMEOUT_MS, signal);
    await Promise.all([loaded, this.#write([discards.toBuffer(), postcopyPackage(deviceSections)])]);
  }

  /** Ends a post-copy stream, when every page has been written; resolves when QEMU has placed them all. */
  async finishPostcopy(signal: AbortSignal): Promise<void> {
    const end = this.#waitForShut(LOAD_TIMEOUT_MS, signal);
    await Promise.all([end, this.#write([postcopyTail()])]);
  }

  close(): void {
    this.#finished = true;
    this.#socket.destroy();
    this.#fail(new PageferryError('incoming-failed', 'the incoming migration was closed'));
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#parser.push(chunk);
      } catch (thrown) {
        this.#fail(asPageferryError(thrown, 'incoming-failed'));
        socket.destroy();
      }
    });
    // 'close' follows, and asks QEMU for the reason.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (!this.#finished) void this.#explainEnd('the destination QEMU stopped reading its migration stream');
    });
  }

  #receiveShut(result: number): void {
    if (result === 0) {
      this.#finished = true;
      this.#shut?.resolve();
      return;
    }
    void this.#explainEnd(`the destination QEMU ended the migration with the result ${result}`);
  }

  async #explainEnd(text: string): Promise<void> {
    try {
      let standing = await migrationStanding(this.#qmp);
      // QEMU says on its stream that it has failed before its monitor knows why.
      for (let look = 0; look < REASON_LOOKS && standing.failure === undefined; look++) {
        await sleep(REASON_PAUSE_MS);
        standing = await migrationStanding(this.#qmp);
      }
      const why = standing.failure ?? `its migration is in the state "${standing.status}"`;
      this.#fail(new PageferryError('incoming-failed', `${text}: ${why}; its standard error says more`));
    } catch (cause) {
      this.#fail(
        new PageferryError('incoming-failed', `${text} and has gone; its standard error says why`, { cause }),
      );
    }
  }

  #fail(failure: PageferryError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#failed(failure);
    this.#shut?.reject(failure);
    this.#resumed?.reject(failure);
    for (const pong of this.#pongs.values()) pong.reject(failure);
  }

  async #write(pieces: readonly Buffer[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const socket = this.#socket;
    const written = new Promise<void>((resolve, reject) => {
      socket.cork();
      pieces.forEach((piece, index) => {
        if (index < pieces.length - 1) socket.write(piece);
        else {
          socket.write(piece, (error) => {
            if (error) reject(error);
            else resolve();
          });
        }
      });
      socket.uncork();
    });
    try {
      await written;
    } catch {
      // The socket broke: QEMU knows why.
      throw await this.failure;
    }
  }

  async #pong(value: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return this.#answer(timeoutMs, signal, 'QEMU does not load what it was sent', (waiting) => {
      this.#pongs.set(value, waiting);
      return () => this.#pongs.delete(value);
    });
  }

  async #waitForShut(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return this.#answer(timeoutMs, signal, 'QEMU does not end its migration', (waiting) => {
      this.#shut = waiting;
      return () => {
        this.#shut = undefined;
      };
    });
  }

  async #answer(
    timeoutMs: number,
    signal: AbortSignal,
    message: string,
    wait: (waiting: Waiting) => () => void,
  ): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await withTimeout(signal, timeoutMs, 'incoming-failed', message, async () => {
      let forget: () => void = () => undefined;
      try {
        await new Promise<void>((resolve, reject) => {
          forget = wait({ resolve, reject });
        });
      } finally {
        forget();
      }
    });
  }
}
