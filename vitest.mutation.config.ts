import { defineConfig } from 'vitest/config';
import { oxc, resolve } from './vitest.shared.ts';

/** The unit tests of the layers that are mutated. Thousands of mutants run them, so what plays random sessions is left out. */
export default defineConfig({
  resolve,
  oxc,
  test: {
    include: [
      'packages/core/src/{protocol,policy,records,runtime,local}/**/*.test.ts',
      'packages/core/test/golden.test.ts',
      'packages/core/test/shard-daemon-golden.test.ts',
      'packages/testing/src/**/*.test.ts',
    ],
    exclude: ['**/*-properties.test.ts', '**/local/{engine,emulator*,kinesis*,file-checkpoint*}.test.ts'],
  },
});
