import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { oxc, resolve } from './vitest.shared.ts';

/** They take minutes each: begun last, one of them would run alone at the end. */
const LONGEST = ['lanes.test.ts', 'workers.test.ts', 'process-mode.test.ts', 'stop.test.ts'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.some((name) => moduleId.endsWith(`/${name}`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** Suites that run whole workers: Java, hosts and relays, against a Kinesis and a DynamoDB on this machine. */
export default defineConfig({
  resolve,
  oxc,
  test: {
    name: 'e2e',
    include: ['packages/*/e2e/**/*.test.ts'],
    globalSetup: ['scripts/bundles.mjs', 'packages/core/e2e/support/fetch-jars.ts'],
    // What the emulators take; the SDK looks for them in the environment of the tests as well.
    env: {
      AWS_ACCESS_KEY_ID: 'AKIALOCAL',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    // What only a defect reaches: on a machine that others share, a test has taken five times as long as alone.
    testTimeout: 300_000,
    hookTimeout: 60_000,
    // Most of their time is waiting for other processes, so two share a small machine well.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
});
