import { mkdir, open, readFile, readdir, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PageferryError } from '@pageferry/errors';
import { decodeRecords, encodeRecord, type JournalContent } from './journal-record.js';
import type { Logger } from './log.js';

const SUFFIX = '.journal';
const VALID_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const MOST_BYTES = 1024 * 1024;

export interface JournalOptions {
  readonly log: Logger;
  /** Bytes beyond which the file does not grow. */
  readonly maxBytes?: number;
}

/** One journal as it was found on disk. */
export interface StoredJournal extends Pick<JournalContent, 'records' | 'tornTail' | 'damaged'> {
  readonly id: string;
}

/**
 * The journal of one migration: a file of records, each on disk before `append` resolves.
 *
 * One record is written at a time, so that a crash can break no more than the last one. After a failed
 * write or sync nobody knows what is on disk: the journal then takes nothing more, and the record may or
 * may not be found when it is read again.
 */
export class Journal {
  readonly id: string;
  readonly #path: string;
  readonly #directory: string;
  readonly #file: FileHandle;
  readonly #log: Logger;
  readonly #maxBytes: number;
  #bytes: number;
  #lastWrite: Promise<void> = Promise.resolve();
  #failure: PageferryError | undefined;
  #isClosed = false;

  private constructor(
    place: { id: string; directory: string; path: string },
    file: FileHandle,
    bytes: number,
    { log, maxBytes = MOST_BYTES }: JournalOptions,
  ) {
    this.id = place.id;
    this.#directory = place.directory;
    this.#path = place.path;
    this.#file = file;
    this.#bytes = bytes;
    this.#log = log;
    this.#maxBytes = maxBytes;
  }

  /**
   * Opens the journal of migration `id` in `directory`; makes both if they are not there. A torn last record of
   * an earlier run is cut off.
   *
   * @throws `journal` if that is not possible, or if the file is damaged.
   */
  static async open(directory: string, id: string, options: JournalOptions): Promise<Journal> {
    if (!VALID_ID.test(id))
      throw new PageferryError('journal', `${JSON.stringify(id)} cannot name a journal`);
    const path = join(directory, id + SUFFIX);
    return explained(`The journal ${path} cannot be opened`, async () => {
      await makeDirectory(directory);
      const file = await open(path, 'a+', 0o600);
      try {
        const { length, tornTail, damaged } = decodeRecords(await file.readFile());
        if (damaged) throw new PageferryError('journal', `The journal ${path} is damaged at byte ${length}`);
        if (tornTail) {
          options.log.warn({ path, length }, 'dropped the torn last record of a journal');
          await file.truncate(length);
        }
        await file.sync();
        await syncDirectory(directory);
        return new Journal({ id, directory, path }, file, length, options);
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  /**
   * Every journal in `directory`, in the order of their ids; none if there is no directory.
   *
   * @throws `journal` if one cannot be read.
   */
  static async readAll(directory: string): Promise<StoredJournal[]> {
    return explained(`The journals in ${directory} cannot be read`, async () => {
      const journals: StoredJournal[] = [];
      for (const name of (await namesIn(directory)).sort()) {
        const id = name.slice(0, -SUFFIX.length);
        if (!name.endsWith(SUFFIX) || !VALID_ID.test(id)) continue;
        const { records, tornTail, damaged } = decodeRecords(await readFile(join(directory, name)));
        journals.push({ id, records, tornTail, damaged });
      }
      return journals;
    });
  }

  /** Deletes the journal of a migration that has ended, if there is one. Error: `journal`. */
  static async delete(directory: string, id: string): Promise<void> {
    if (!VALID_ID.test(id))
      throw new PageferryError('journal', `${JSON.stringify(id)} cannot name a journal`);
    const path = join(directory, id + SUFFIX);
    await explained(`The journal ${path} cannot be removed`, async () => {
      await rm(path, { force: true });
      await syncDirectory(directory);
    });
  }

  /**
   * Adds a record, as it is now; resolves when it is on disk. Records keep the order of the calls.
   *
   * @param record anything that JSON can express.
   * @throws `journal` if it could not be written, the journal is full, or an earlier record failed.
   */
  async append(record: object): Promise<void> {
    if (this.#isClosed) throw new PageferryError('journal', `The journal ${this.#path} is closed`);
    const line = this.#encode(record);
    if (this.#bytes + line.length > this.#maxBytes) {
      throw new PageferryError(
        'journal',
        `The journal ${this.#path} would grow beyond ${this.#maxBytes} bytes`,
      );
    }
    this.#bytes += line.length;
    const written = this.#lastWrite.then(() => this.#write(line));
    this.#lastWrite = written.catch(() => undefined);
    return written;
  }

  /** Waits for what is being written and closes the file. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#lastWrite;
    await this.#file.close();
  }

  /** Closes and deletes the journal. Only after the migration has ended: nothing knows of it afterwards. */
  async remove(): Promise<void> {
    await this.close();
    await explained(`The journal ${this.#path} cannot be removed`, async () => {
      await rm(this.#path);
      await syncDirectory(this.#directory);
    });
  }

  #encode(record: object): Buffer {
    try {
      return encodeRecord(record);
    } catch (error) {
      throw journalError(`A record for the journal ${this.#path} cannot be expressed in JSON`, error);
    }
  }

  async #write(line: Buffer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#file.appendFile(line);
      await this.#file.datasync();
    } catch (error) {
      this.#failure = journalError(`The journal ${this.#path} cannot be written`, error);
      this.#log.error({ err: this.#failure }, 'a journal failed and takes no more records');
      throw this.#failure;
    }
  }
}

async function explained<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof PageferryError ? error : journalError(what, error);
  }
}

function journalError(what: string, cause: unknown): PageferryError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PageferryError('journal', `${what}: ${why}`, { cause });
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Makes a directory, with those above it, so that they are there after a crash. */
async function makeDirectory(directory: string): Promise<void> {
  const topmostMade = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (topmostMade === undefined) return;
  const above = dirname(topmostMade);
  for (let made = directory; made !== above; made = dirname(made)) await syncDirectory(dirname(made));
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
