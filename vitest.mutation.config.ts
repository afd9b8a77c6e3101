import { defineConfig } from 'vitest/config';
import { oxc, resolve } from './vitest.shared.ts';

/** The tests of the layers that are mutated. Thousands of mutants run them: of random sessions they play a fixed few. */
export default defineConfig({
  resolve,
  oxc,
  test: {
    include: [
      'packages/core/src/{protocol,policy,records,runtime,local}/**/*.test.ts',
      'packages/core/sim/fixed-seeds.test.ts',
      'packages/core/test/golden.test.ts',
      'packages/core/test/shard-daemon-golden.test.ts',
      'packages/testing/{src,test}/**/*.test.ts',
    ],
    exclude: [
      '**/*-properties.test.ts',
      '**/local/{engine,emulator*,kinesis*,file-checkpoint*}.test.ts',
      'packages/testing/test/{anything,speed,hostile-payloads,explore,guide/**/*}.test.ts',
    ],
  },
});
