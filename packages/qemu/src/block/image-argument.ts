import { PageferryError } from '@pageferry/errors';
import type { DiskImage } from './disks.js';

const JSON_PREFIX = 'json:';
/** As QEMU tells a URL from a path: a colon before any slash (`path_has_protocol`, `block.c`). */
const PROTOCOL = /^[^/:]+:/;
/** Drivers that read a file without making more of it: for whoever reads from the outside, the same as `raw` above them. */
const PLAIN_FILES: ReadonlySet<string> = new Set(['file', 'host_device']);

/**
 * Options that open an image read-only while another QEMU has it locked for writing. What lies below it (its file, its
 * backing chain) inherits them.
 */
const SHARED = { 'read-only': true, 'force-share': true } as const;

/**
 * How one of QEMU's programs is told which image to open, and how: as a `json:` name, in which no path is taken for an
 * option or a protocol; as URLs are, with the format apart.
 */
export interface ImageArgument {
  readonly filename: string;
  /** For `--format`; undefined where the name says it. */
  readonly format: string | undefined;
}

/** @throws `storage-unreadable` for a `json:` name that is none: QEMU cuts off those that are longer than 4 KiB */
export function imageArgument({ filename, format }: DiskImage): ImageArgument {
  const driver = PLAIN_FILES.has(format) ? 'raw' : format;
  if (filename.startsWith(JSON_PREFIX)) {
    const options = parseOptions(filename.slice(JSON_PREFIX.length));
    return { filename: jsonName({ driver, ...options, ...SHARED }), format: undefined };
  }
  // What is behind a URL has locks of its own, if any.
  if (PROTOCOL.test(filename)) return { filename, format: driver };
  return { filename: jsonName({ driver, file: { filename }, ...SHARED }), format: undefined };
}

function jsonName(options: object): string {
  return `${JSON_PREFIX}${JSON.stringify(options)}`;
}

function parseOptions(text: string): object {
  try {
    const options: unknown = JSON.parse(text);
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options;
  } catch {
    // Said below.
  }
  throw new PageferryError(
    'storage-unreadable',
    "QEMU's name of the image is no complete JSON: it cuts off names that are longer than 4 KiB",
  );
}
