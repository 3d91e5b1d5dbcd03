import type { DebianPrograms } from './debian-programs.js';

export const nginx: DebianPrograms = {
  programs: { 'bin/nginx': { package: 'nginx', path: 'usr/sbin/nginx' } },
  libraries: {
    libc6: ['libc.so.6'],
    libcrypt1: ['libcrypt.so.1'],
    'libpcre2-8-0': ['libpcre2-8.so.0'],
    libssl3: ['libssl.so.3', 'libcrypto.so.3'],
    zlib1g: ['libz.so.1'],
  },
};
