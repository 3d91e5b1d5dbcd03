import { accessSync, constants, readFileSync } from 'node:fs';

/** What the checks read of the host. */
export interface HostFiles {
  /** The text of a file, undefined where there is none or it cannot be read. */
  readonly read: (path: string) => string | undefined;
  /** Whether this user may read and write the file. */
  readonly canUse: (path: string) => boolean;
  /** Of this process. */
  readonly userId: number | undefined;
}

export const hostFiles: HostFiles = {
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  canUse(path) {
    try {
      accessSync(path, constants.R_OK | constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
  userId: process.getuid?.(),
};
