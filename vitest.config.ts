import { defineConfig } from 'vitest/config';
import { oxc, resolve } from './vitest.shared.ts';

const pure = { lines: 95, branches: 95 };

export default defineConfig({
  test: {
    // All cores: vitest leaves one to itself, which is half of a small machine.
    maxWorkers: '100%',
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.fixture.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
      thresholds: {
        'packages/core/src/protocol/**': pure,
        'packages/core/src/policy/**': pure,
        'packages/core/src/definition/**': pure,
        'packages/core/src/config/**': pure,
      },
    },
    projects: [
      {
        resolve,
        oxc,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
        },
      },
      {
        resolve,
        oxc,
        test: {
          name: 'examples',
          include: ['examples/*/src/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
        },
      },
      {
        resolve,
        test: {
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            checker: 'tsc',
            include: ['packages/*/test-types/**/*.test-d.ts'],
            tsconfig: 'tsconfig.types.json',
          },
        },
      },
    ],
  },
});
