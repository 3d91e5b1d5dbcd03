import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { PageferryError, asPageferryError, sleep, withTimeout } from '@pageferry/errors';
import type { PageLayout, PageSet } from '@pageferry/transfer';
import { runState } from '../machine/guest-control.js';
import { MigrationSettings } from '../machine/migration-settings.js';
import type { QmpClient } from '../qmp/qmp-client.js';
import { endMigration } from './end-migration.js';
import type { RamRecordSink } from './ram-record-parser.js';
import { changedPages } from './record-sinks.js';
import { FULL_CHUNK_BYTES, RecordStream } from './record-stream.js';

/** What the first pass gives: every page of the guest, with its content. */
export interface FirstPassSink extends RamRecordSink {
  /**
   * Asked after each chunk: while it is pending no more is read, and QEMU waits.
   * @param inContent the chunk ended within a page, the rest of which will go where the sink has said
   */
  ready(inContent: boolean): Promise<void> | undefined;
  /** Asked after each chunk: whether the rest of the pass is not wanted any more. */
  enough(): boolean;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** From `stop` to QEMU's last byte, ms. */
const FINISH_TIMEOUT_MS = 60_000;
/** QEMU looks at its log at the latest when it next has room to write, ms. */
const COLLECT_TIMEOUT_MS = 60_000;
/** Between two looks whether QEMU waits for `migrate-continue`, ms. */
const CONTINUE_PAUSE_MS = 1;
/** QEMU looks at its log only once it has measured its bandwidth for so long (`BUFFER_DELAY`, `migration/migration.c`), ms. */
const FIRST_SYNC_MS = 100;

/**
 * QEMU syncs its log when less is left than bandwidth × downtime limit; with these, a megabyte. It must not think
 * about speed: it waits for us, not for a link.
 */
const PARAMETERS = {
  'downtime-limit': 1,
  'avail-switchover-bandwidth': 1_000_000_000,
  'max-bandwidth': 1_000_000_000_000,
} as const;

/**
 * `pause-before-switchover`, because QEMU takes a guest for stopped before its vCPUs are: its migration thread would take
 * the lock that `stop` is waiting for, and save what a vCPU still changes.
 */
const CAPABILITIES = {
  'return-path': true,
  'switchover-ack': true,
  'postcopy-ram': false,
  multifd: false,
  xbzrle: false,
  'auto-converge': false,
  'pause-before-switchover': true,
  'background-snapshot': false,
  'x-ignore-shared': false,
  'zero-copy-send': false,
  'mapped-ram': false,
  'dirty-limit': false,
  events: false,
} as const;

/**
 * QEMU's dirty log, had by starting a migration into a socket of ours and never letting it finish while the guest
 * runs. A record says: this page may have changed since its last record; a page read after its newest record is good
 * until its next one.
 *
 * Every method rejects with `dirty-log`, or with what the signal was aborted with. After any failure call
 * {@link giveUp}.
 */
export class DirtyLog {
  readonly #qmp: QmpClient;
  readonly #layout: PageLayout;
  readonly #server: Server;
  readonly #stream = new RecordStream();
  #restoreSettings: (() => Promise<void>) | undefined;
  #unsubscribe: (() => void) | undefined;
  /** Whether QEMU may have a migration that this log has started. */
  #migrating = false;
  /** When QEMU had begun to write for certain. */
  #begunMs = 0;
  /** Number in the layout of each block of the stream. */
  #blockNumbers: readonly number[] = [];

  private constructor(qmp: QmpClient, layout: PageLayout, server: Server) {
    this.#qmp = qmp;
    this.#layout = layout;
    this.#server = server;
  }

  /**
   * Starts the log; the first pass is ready to be read.
   * @param directory for the socket; QEMU must be able to reach it
   */
  static async open(
    qmp: QmpClient,
    layout: PageLayout,
    { directory, signal }: { directory: string; signal: AbortSignal },
  ): Promise<DirtyLog> {
    const path = join(directory, 'dirty-log.sock');
    const server = createServer({ pauseOnConnect: true });
    server.listen(path);
    await once(server, 'listening', { signal });
    const log = new DirtyLog(qmp, layout, server);
    try {
      await log.#start(path, signal);
      return log;
    } catch (thrown) {
      await log.giveUp();
      throw thrown;
    }
  }

  /**
   * Reads the first pass, in which QEMU writes every page with its content. Pages that QEMU names again before the
   * method returns are added to `changed`; so are, by the next {@link collect}, those that `content` no longer wanted.
   */
  async readFirstPass(content: FirstPassSink, changed: PageSet, signal: AbortSignal): Promise<void> {
    const again = this.#changedPages(changed);
    const { parser } = this.#stream;
    const numbers = this.#blockNumbers;
    let first = true;
    parser.sink = {
      get target() {
        return content.target;
      },
      page: (block, address) => {
        first &&= parser.passes === 0;
        if (first) return content.page(numbers[block] ?? 0, address);
        return again.page(block, address);
      },
      zero: (block, address) => {
        first &&= parser.passes === 0;
        if (first) content.zero(numbers[block] ?? 0, address);
        else again.zero(block, address);
      },
    };
    await this.#stream.read({
      done: () => parser.passes > 0 || parser.emptyParts > 0 || (content.enough() && !parser.inContent),
      pause: () => content.ready(parser.inContent),
      signal,
    });
  }

  /** Adds to `changed` what was written until now: until QEMU has gone through its whole log again. */
  async collect(changed: PageSet, signal: AbortSignal): Promise<void> {
    const { parser } = this.#stream;
    parser.sink = this.#changedPages(changed);
    let passes = 0;
    let emptyParts = 0;
    let drained = false;
    await sleep(Math.max(this.#begunMs + FIRST_SYNC_MS - performance.now(), 0), signal);
    // Node has read ahead, in chunks as short as what QEMU wrote.
    let readAhead = this.#stream.readAheadBytes;
    await withTimeout(
      signal,
      COLLECT_TIMEOUT_MS,
      'dirty-log',
      'QEMU does not go on writing its dirty log',
      (inner) =>
        this.#stream.read({
          signal: inner,
          done: (bytes) => {
            // The first one of both may have been waiting for room in the socket.
            if (drained) return parser.passes >= passes + 2 || parser.emptyParts >= emptyParts + 2;
            // Until the socket is empty, what comes was written before we asked.
            readAhead -= bytes;
            drained = readAhead < 0 && bytes < FULL_CHUNK_BYTES;
            passes = parser.passes;
            emptyParts = parser.emptyParts;
            return false;
          },
        }),
    );
  }

  /**
   * Once the guest is stopped: adds the last changed pages and answers the device state's sections. The migration in
   * QEMU is over then, and it has let go of the disk images; `cont` undoes both.
   */
  async finish(changed: PageSet, signal: AbortSignal): Promise<Buffer> {
    const { parser } = this.#stream;
    parser.sink = this.#changedPages(changed);
    let released = false;
    let sections: Buffer | undefined;
    await withTimeout(signal, FINISH_TIMEOUT_MS, 'dirty-log', 'QEMU does not finish its dirty log', (inner) =>
      Promise.all([
        this.#continueQemu(inner),
        this.#stream.read({
          signal: inner,
          finishing: true,
          done: () => {
            if (parser.ramEnded && !released) {
              released = true;
              this.#stream.acknowledge();
            }
            sections = parser.deviceSections(this.#stream.ended);
            return sections !== undefined;
          },
        }),
      ]),
    );
    if (sections === undefined)
      throw new PageferryError('dirty-log', 'QEMU ended its stream without a device state');
    return sections;
  }

  /**
   * Ends the log, whatever state it is in, and waits until QEMU has ended its migration, too. The guest is left as it
   * is: running if it ran. Safe to call again.
   */
  async giveUp(): Promise<void> {
    // First: a migration thread that blocks in a write may hold the lock that QEMU's monitor needs.
    this.#stream.close(new PageferryError('dirty-log', 'the dirty log was closed'));
    this.#server.close();
    this.#unsubscribe?.();
    try {
      if (this.#migrating) await endMigration(this.#qmp);
      await this.#restoreSettings?.();
    } catch (thrown) {
      // With QEMU gone, so is everything that was to be ended.
      if (asPageferryError(thrown).code !== 'qmp-closed') throw thrown;
    }
    this.#restoreSettings = undefined;
  }

  async #start(path: string, signal: AbortSignal): Promise<void> {
    const settings = await MigrationSettings.apply(this.#qmp, {
      capabilities: CAPABILITIES,
      parameters: PARAMETERS,
    });
    this.#restoreSettings = settings;
    this.#unsubscribe = this.#qmp.onEvent((name) => {
      if (name === 'STOP') this.#stream.guestRuns(false);
    });
    this.#stream.guestRuns((await runState(this.#qmp, { signal })).running);
    const connection = withTimeout(
      signal,
      CONNECT_TIMEOUT_MS,
      'dirty-log',
      'QEMU does not open its stream',
      async (inner) => {
        const connected = new Promise<Socket>((resolve) => this.#server.once('connection', resolve));
        return Promise.race([connected, rejectOnAbort(inner)]);
      },
    );
    // Whichever fails first is reported; the other must not go unhandled.
    connection.catch(() => undefined);
    await this.#startMigration(`unix:${path}`, signal);
    this.#stream.open(await connection);
    this.#server.close();
    await withTimeout(signal, CONNECT_TIMEOUT_MS, 'dirty-log', 'QEMU does not begin its stream', (inner) =>
      this.#stream.read({ signal: inner, done: () => this.#stream.parser.blocks.length > 0 }),
    );
    this.#begunMs = performance.now();
    this.#blockNumbers = this.#stream.parser.blocks.map(({ name, length }) => {
      const block = this.#layout.blockNamed(name);
      if (block?.length === length) return block.index;
      throw new PageferryError(
        'dirty-log',
        `QEMU's stream has a RAM block "${name}" of ${length} bytes that it did not list`,
      );
    });
  }

  async #startMigration(uri: string, signal: AbortSignal): Promise<void> {
    this.#migrating = true;
    try {
      await this.#qmp.execute('migrate', { uri }, { signal });
    } catch (thrown) {
      // Refused: if there is a migration, it is someone else's.
      if (asPageferryError(thrown).code === 'qmp-command') this.#migrating = false;
      throw thrown;
    }
  }

  /** Lets QEMU go on as soon as it waits before its switch-over. */
  async #continueQemu(signal: AbortSignal): Promise<void> {
    while (!this.#stream.ended) {
      try {
        await this.#qmp.execute('migrate-continue', { state: 'pre-switchover' }, { signal });
        return;
      } catch (thrown) {
        const error = asPageferryError(thrown);
        // It still writes what has changed.
        if (error.code !== 'qmp-command') throw error;
      }
      await sleep(CONTINUE_PAUSE_MS, signal);
    }
  }

  #changedPages(changed: PageSet): RamRecordSink {
    return changedPages(changed, this.#layout, this.#blockNumbers);
  }
}

async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort');
  signal.throwIfAborted();
  throw new PageferryError('internal', 'unreachable: the signal was aborted');
}
