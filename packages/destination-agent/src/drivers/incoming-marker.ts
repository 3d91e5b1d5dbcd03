import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PageferryError, asPageferryError } from '@pageferry/errors';

/**
 * The file that has the next start of a guest's unit wait for the guest, in place of booting it: `start-guest` in deploy/
 * takes it. Gone before its time, it has a second copy of the guest boot.
 */
export class IncomingMarker {
  readonly path: string;

  constructor(directory: string, guest: string) {
    this.path = join(directory, `${guest}.incoming`);
  }

  get isThere(): boolean {
    return existsSync(this.path);
  }

  /** Error: `driver-failed`. */
  async put(): Promise<void> {
    try {
      await writeFile(this.path, '', { mode: 0o600 });
    } catch (thrown) {
      throw new PageferryError('driver-failed', asPageferryError(thrown).message, { cause: thrown });
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
