import type { DebianPrograms } from './debian-programs.js';

/** SQLite's command line. */
export const sqlite: DebianPrograms = {
  programs: { 'bin/sqlite3': { package: 'sqlite3', path: 'usr/bin/sqlite3' } },
  libraries: {
    libc6: ['libc.so.6', 'libm.so.6'],
    libreadline8: ['libreadline.so.8'],
    'libsqlite3-0': ['libsqlite3.so.0'],
    libtinfo6: ['libtinfo.so.6'],
    zlib1g: ['libz.so.1'],
  },
};
