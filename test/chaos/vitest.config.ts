import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/chaos/**/*.test.ts'],
    // It goes on for as long as it is told to.
    testTimeout: 0,
    hookTimeout: 60_000,
  },
});
