/** A file, a folder or (with a device number) a character device of an archive. */
export interface CpioEntry {
  readonly path: string;
  /** Type and permission bits as in `st_mode`. */
  readonly mode: number;
  readonly content?: Buffer;
  readonly device?: readonly [major: number, minor: number];
}

const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);

function encode(entry: CpioEntry, inode: number): Buffer {
  const content = entry.content ?? Buffer.alloc(0);
  const name = Buffer.from(`${entry.path}\0`);
  const [major, minor] = entry.device ?? [0, 0];
  const links = 1;
  const fields = [inode, entry.mode, 0, 0, links, 0, content.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return Buffer.concat([
    header,
    name,
    padding(header.length + name.length),
    content,
    padding(content.length),
  ]);
}

/** An archive in the `newc` format of cpio, which the kernel unpacks as its first file system. */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const trailer = { path: 'TRAILER!!!', mode: 0 };
  return Buffer.concat([...entries, trailer].map((entry, index) => encode(entry, index + 1)));
}
