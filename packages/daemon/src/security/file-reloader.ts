import { statSync } from 'node:fs';
import { asPageferryError } from '@pageferry/errors';
import type { Logger } from '../log.js';

const INTERVAL_MS = 2_000;

export interface ReloadedSource<T> {
  /** What the files are, for the log. */
  readonly what: string;
  readonly paths: readonly string[];
  readonly read: () => T;
  /** Until when what was read can be used, ms since the epoch. */
  readonly validUntil?: (value: T) => number;
}

/** Until when files in use can be used. */
export interface Validity {
  readonly what: string;
  /** ms since the epoch */
  readonly until: number;
}

/** What files say, always by their newest content that can be used. */
export interface Reloaded<T> {
  readonly current: T;
  /** Called with what was read again. */
  readonly onChange: (listener: (value: T) => void) => void;
}

interface Watched {
  readonly validity: () => Validity | undefined;
  readonly reload: () => void;
  readonly look: () => void;
}

/**
 * Reads files again: soon after they changed, and at once when the process gets SIGHUP. A file that cannot be used is
 * an error in the log, and what was read before stays.
 *
 * The files are looked at again and again instead of watched: this sees through symbolic links, renames and network
 * file systems alike, and a stat every 2 s costs nothing.
 */
export class FileReloader {
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  readonly #watched: Watched[] = [];
  readonly #onHangUp = (): void => {
    this.#log.info({ signal: 'SIGHUP' }, 'reading certificates, keys and tokens again');
    for (const { reload } of this.#watched) reload();
  };

  constructor(log: Logger, intervalMs = INTERVAL_MS) {
    this.#log = log;
    this.#timer = setInterval(() => {
      for (const { look } of this.#watched) look();
    }, intervalMs);
    this.#timer.unref();
    process.on('SIGHUP', this.#onHangUp);
  }

  /** Of all files that have an end. */
  get validities(): readonly Validity[] {
    return this.#watched.flatMap(({ validity }) => validity() ?? []);
  }

  /** Reads the files for the first time. Error: what `read` throws. */
  watch<T>({ what, paths, read, validUntil }: ReloadedSource<T>): Reloaded<T> {
    const listeners: ((value: T) => void)[] = [];
    let used = fingerprint(paths);
    let last = used;
    let current = read();
    const reload = (): void => {
      used = last = fingerprint(paths);
      try {
        current = read();
        for (const listener of listeners) listener(current);
        this.#log.info({ what, paths }, 'files were read again: new connections use them');
      } catch (thrown) {
        const error = asPageferryError(thrown);
        this.#log.error({ what, err: error }, 'new files cannot be used: the old ones stay in use');
      }
    };
    const look = (): void => {
      const now = fingerprint(paths);
      // A certificate and its key change one after the other: they are read once both are at rest.
      if (now !== used && now === last) reload();
      last = now;
    };
    const validity = (): Validity | undefined => validUntil && { what, until: validUntil(current) };
    this.#watched.push({ validity, reload, look });
    return {
      get current() {
        return current;
      },
      onChange: (listener) => {
        listeners.push(listener);
      },
    };
  }

  close(): void {
    clearInterval(this.#timer);
    process.off('SIGHUP', this.#onHangUp);
  }
}

/** Another one whenever another file, or another content, has the place. */
function fingerprint(paths: readonly string[]): string {
  return paths
    .map((path) => {
      try {
        const { ino, mtimeMs, ctimeMs, size } = statSync(path);
        return `${ino} ${mtimeMs} ${ctimeMs} ${size}`;
      } catch {
        return 'cannot be looked at';
      }
    })
    .join(';');
}
