import { join } from 'node:path';
import { unpackMissing, unpackedPackage } from './unpacked-package.js';

const name = 'prometheus';

/** The path of Prometheus's promtool; fetched when a test first asks for it. */
export async function promtool(): Promise<string> {
  await unpackMissing([{ name, find: () => Promise.resolve(name) }], () => undefined);
  return join(unpackedPackage(name), 'usr/bin/promtool');
}
