import { defineConfig } from 'vitest/config';
import { oxc, resolve } from './vitest.shared.ts';

/** The simulator: it plays its seeds in processes of its own, one for each core. */
export default defineConfig({
  resolve,
  oxc,
  test: {
    name: 'simulator',
    include: ['packages/core/sim/**/*.test.ts'],
    // Both files keep every core busy by themselves.
    fileParallelism: false,
    maxConcurrency: 2,
    // It may get what others leave of the cores, and nothing more.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
