import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** The files of one package as they will lie below `/`; writes into a directory that is still empty. */
export class Tree {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async write(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    const target = await this.#target(path);
    await writeFile(target, content);
    await chmod(target, mode);
  }

  async copy(source: string, path: string, mode = 0o644): Promise<void> {
    const target = await this.#target(path);
    await copyFile(source, target);
    await chmod(target, mode);
  }

  /** With the same bytes for the same content: neither name nor time are in it. */
  async writeCompressed(path: string, content: string): Promise<void> {
    await this.write(`${path}.gz`, gzipSync(content, { level: 9 }));
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#made(path);
  }

  /** All files, by path, in a fixed order. */
  async files(): Promise<string[]> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.root.length + 1))
      .sort();
  }

  async #target(path: string): Promise<string> {
    await this.#made(dirname(path));
    return join(this.root, path);
  }

  /** Whatever the umask of who builds. */
  async #made(path: string): Promise<void> {
    let made = this.root;
    for (const name of path.split('/')) {
      made = join(made, name);
      await mkdir(made, { recursive: true });
      await chmod(made, 0o755);
    }
  }
}
