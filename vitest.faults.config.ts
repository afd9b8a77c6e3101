import { defineConfig } from 'vitest/config';
import { oxc, resolve } from './vitest.shared.ts';

/** Processes that die, fall silent or are lied to. They run the built packages, several at once. */
export default defineConfig({
  resolve,
  oxc,
  test: {
    name: 'faults',
    include: ['packages/core/faults/**/*.test.ts'],
    globalSetup: ['scripts/bundles.mjs'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
