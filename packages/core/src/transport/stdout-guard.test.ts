import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isMillraceError } from '../errors.js';
import { installGuards, redirectStdout, type Guard } from './stdout-guard.js';

const guards: Guard[] = [];
const held = (guard: Guard) => {
  guards.push(guard);
  return guard;
};

let written: string[];
const { write: stderrWrite } = process.stderr;
const { write: stdoutWrite } = process.stdout;
const { exit } = process;

beforeEach(() => {
  written = [];
  process.stderr.write = (chunk: Uint8Array | string) => written.push(String(chunk)) > 0;
});

afterEach(() => {
  for (const guard of guards.splice(0)) guard.restore();
  process.stderr.write = stderrWrite;
});

describe('installGuards', () => {
  it('leads process.stdout to standard error', () => {
    held(installGuards());

    process.stdout.write('null\n');

    expect(written).toEqual(['null\n']);
  });

  it('makes process.exit throw, with the code that was asked for', () => {
    held(installGuards());
    let thrown: unknown;
    try {
      process.exit(3);
    } catch (error) {
      thrown = error;
    }

    expect(isMillraceError(thrown, 'EXIT_INTERCEPTED')).toBe(true);
    expect(thrown).toMatchObject({ details: { exitCode: 3 } });
    expect(String(thrown)).toContain('StopWorkerError');
  });

  it('puts everything back when the last of several workers is done', () => {
    const first = held(installGuards());
    const second = held(installGuards());

    first.restore();
    first.restore();
    expect(process.stdout.write).not.toBe(stdoutWrite);
    expect(process.exit).not.toBe(exit);

    second.restore();
    expect(process.stdout.write).toBe(stdoutWrite);
    expect(process.exit).toBe(exit);
  });
});

describe('redirectStdout', () => {
  it('leaves process.exit alone', () => {
    held(redirectStdout());

    expect(process.exit).toBe(exit);
  });
});
