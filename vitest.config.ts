import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/scenarios/**/*.test.ts'],
    // Real QEMUs share two cores: one file after the other keeps a loaded machine from looking like a bug.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
