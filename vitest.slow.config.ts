import { defineConfig } from 'vitest/config';
import { oxc, resolve } from './vitest.shared.ts';

/** Suites that start other processes: Java, workers to be killed, a packed application. Those run the built packages. */
export default defineConfig({
  resolve,
  oxc,
  test: {
    name: 'slow',
    passWithNoTests: true,
    include: ['packages/*/slow/**/*.test.ts', 'examples/*/slow/**/*.test.ts'],
    // Never an old one, whoever starts a suite.
    globalSetup: ['scripts/bundles.mjs'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most of their time is waiting for other processes, so two share a small machine well.
    maxWorkers: 2,
  },
});
