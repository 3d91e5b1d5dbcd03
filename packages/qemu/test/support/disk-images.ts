import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { Random } from './random.js';

const execute = promisify(execFile);

export interface TestImage {
  readonly filename: string;
  readonly format: 'raw' | 'qcow2';
  /** What the guest would see of it. */
  readonly content: Buffer;
}

/** A folder that is there until the test ends. */
export async function testFolder(parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'pageferry-block-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function qemuImg(...args: readonly string[]): Promise<void> {
  await execute('qemu-img', args);
}

/** An image of so many bytes at random, with a hole in its middle. */
export async function createImage(
  filename: string,
  format: TestImage['format'],
  { bytes = 4 << 20, seed = 1 } = {},
): Promise<TestImage> {
  const content = Buffer.alloc(bytes);
  const half = bytes / 2;
  new Random(seed).fill(content);
  content.fill(0, half - (half >> 2), half + (half >> 2));
  const raw = format === 'raw' ? filename : `${filename}.raw`;
  const file = await open(raw, 'w');
  await file.writeFile(content);
  await file.sync();
  await file.close();
  if (format === 'qcow2') await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', raw, filename);
  return { filename, format, content };
}
