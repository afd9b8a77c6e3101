import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Attempt } from '../runtime/attempt.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { interceptExit, redirectStdout, type Guard } from './stdout-guard.js';

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

describe('redirectStdout', () => {
  it('leads process.stdout to standard error', () => {
    held(redirectStdout());

    process.stdout.write('null\n');

    expect(written).toEqual(['null\n']);
  });

  it('puts everything back when the last of several workers is done', () => {
    const first = held(redirectStdout());
    const second = held(redirectStdout());

    first.restore();
    first.restore();
    expect(process.stdout.write).not.toBe(stdoutWrite);

    second.restore();
    expect(process.stdout.write).toBe(stdoutWrite);
  });
});

describe('interceptExit', () => {
  const attempt = (): Attempt =>
    new Attempt({
      clock: new ManualClock(),
      timeoutMs: 1_000,
      handler: 'Orders.placed',
      recordId: 'r1',
      over: new AbortController().signal,
      onStuck: () => undefined,
    });

  it('makes process.exit throw inside a handler, with the code that was asked for', () => {
    held(interceptExit());

    const result = attempt().run(() => process.exit(3));

    expect(result).toMatchObject({ kind: 'threw', error: { code: 'EXIT_INTERCEPTED', details: { exitCode: 3 } } });
  });

  it('throws in what a handler started, too', async () => {
    held(interceptExit());

    const result = await attempt().run(async () => {
      await Promise.resolve();
      process.exit(3);
    });

    expect(result).toMatchObject({ kind: 'threw', error: { code: 'EXIT_INTERCEPTED' } });
  });

  it('leaves process.exit to the rest of the program', () => {
    const codes: unknown[] = [];
    process.exit = ((code: unknown) => void codes.push(code)) as typeof process.exit;
    const guard = interceptExit();

    process.exit(7);
    guard.restore();
    process.exit = exit;

    expect(codes).toEqual([7]);
  });
});
