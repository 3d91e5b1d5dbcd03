import { join } from 'node:path';
import { unpackedPackage } from './unpacked-package.js';

const folder = join(unpackedPackage('ovmf'), 'usr/share/OVMF');

/** OVMF's files, of Debian's package, which is unpacked and not installed. */
export const firmware = {
  code: join(folder, 'OVMF_CODE_4M.fd'),
  variables: join(folder, 'OVMF_VARS_4M.fd'),
} as const;
