import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/packages/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    // The first time a Debian is made.
    hookTimeout: 900_000,
  },
});
