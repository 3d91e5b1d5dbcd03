import { createHash, randomFillSync } from 'node:crypto';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDisk } from '../guests/disk.js';
import type { GuestDisk } from '../guests/guest-disk.js';
import type { StorageHost } from '../hosts/storage-host.js';

const mebibyte = 1024 * 1024;

export interface LoadDiskOptions {
  readonly sizeMiB: number;
  /** Writes what is to be on it into a folder. */
  readonly fill: (folder: string) => Promise<void>;
}

/** The disk of a load: an image with files on it, which the storage host exports. */
export class LoadDisk {
  #directory: string | undefined;

  async create(storage: StorageHost | undefined, { sizeMiB, fill }: LoadDiskOptions): Promise<GuestDisk> {
    if (storage === undefined) throw new Error('a load with a disk takes a scenario with a storage host');
    this.#directory = await mkdtemp(join(tmpdir(), 'pageferry-bench-'));
    const content = join(this.#directory, 'content');
    await mkdir(content);
    await fill(content);
    const path = join(this.#directory, 'disk.raw');
    await createDisk(path, { format: 'raw', sizeMiB, content });
    await rm(content, { recursive: true });
    const { url } = await storage.serve({ path, format: 'raw' });
    return { path: url, format: 'raw' };
  }

  /** Removes the image; the storage host has ended before. */
  async close(): Promise<void> {
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Writes a file of random bytes, with a text at its beginning; its MD5 as `md5sum` prints it. */
export async function writeRandomFile(path: string, bytes: number, beginning = ''): Promise<string> {
  const hash = createHash('md5');
  const chunk = Buffer.alloc(Math.min(bytes, mebibyte));
  const file = await open(path, 'w');
  try {
    for (let written = 0; written < bytes; written += chunk.length) {
      randomFillSync(chunk);
      if (written === 0) chunk.write(beginning, 'latin1');
      const part = chunk.subarray(0, Math.min(chunk.length, bytes - written));
      hash.update(part);
      await file.write(part);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
