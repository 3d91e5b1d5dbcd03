import type { DebianPrograms } from './debian-programs.js';

/** Redis with its client and its load generator. */
export const redis: DebianPrograms = {
  programs: {
    // The server is the same program as the one that checks its files: it goes by its name.
    'bin/redis-server': { package: 'redis-tools', path: 'usr/bin/redis-check-rdb' },
    'bin/redis-cli': { package: 'redis-tools', path: 'usr/bin/redis-cli' },
    'bin/redis-benchmark': { package: 'redis-tools', path: 'usr/bin/redis-benchmark' },
  },
  libraries: {
    libatomic1: ['libatomic.so.1'],
    libc6: ['libc.so.6', 'libm.so.6'],
    libcap2: ['libcap.so.2'],
    'libgcc-s1': ['libgcc_s.so.1'],
    libgcrypt20: ['libgcrypt.so.20'],
    'libgpg-error0': ['libgpg-error.so.0'],
    libjemalloc2: ['libjemalloc.so.2'],
    'liblz4-1': ['liblz4.so.1'],
    liblzf1: ['liblzf.so.1'],
    liblzma5: ['liblzma.so.5'],
    libssl3: ['libssl.so.3', 'libcrypto.so.3'],
    'libstdc++6': ['libstdc++.so.6'],
    libsystemd0: ['libsystemd.so.0'],
    libzstd1: ['libzstd.so.1'],
  },
};
