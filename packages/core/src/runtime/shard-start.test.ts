import { describe, expect, it } from 'vitest';
import { recordHandler } from '../definition/define-consumer.js';
import type { Scope } from '../ports.js';
import { TestSession, type SessionOptions } from './session.fixture.js';

const START = { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 };
const handlers = [recordHandler({ name: 'placed', handle: () => undefined })];
const never = new Promise<never>(() => undefined);
class ParkingSpace {}

type Data = Partial<ConstructorParameters<typeof TestSession>[0]>;

/** What may hang while a consumer starts, one by one. */
const hanging: readonly (readonly [string, Data, SessionOptions])[] = [
  ['a container that opens no scope', {}, { container: { openScope: () => never } }],
  ['a constructor', { create: () => never }, {}],
  [
    'a sink behind a token',
    { deadLetter: { sink: ParkingSpace } },
    { container: { openScope: async () => scope({ resolve: () => never }) } },
  ],
  ['a hook', { hooks: { initialize: () => never } }, {}],
  [
    'the disposal of a start that failed',
    { create: () => Promise.reject(new Error('no database')) },
    { container: { openScope: async () => scope({ dispose: () => never }) } },
  ],
];

function scope(more: Partial<Scope>): Scope {
  return { resolve: () => Promise.reject(new Error('nothing is registered')), dispose: async () => undefined, ...more };
}

describe('a start that hangs', () => {
  it.each(hanging)('%s does not outlive end of input', async (_, data, options) => {
    const test = new TestSession({ handlers, ...data }, options);
    test.daemon.initialize(START).catch(() => undefined);
    await test.clock.advance(10);

    await test.daemon.end();
    await test.clock.advance(5_000);

    expect(await test.during(test.outcome)).toEqual({ kind: 'ended', why: 'endOfInput' });
    expect(test.clock.pendingTimers).toBe(0);
  });

  it.each(hanging)('%s does not outlive the time to drain', async (_, data, options) => {
    const test = new TestSession({ handlers, ...data }, { ...options, properties: { shutdownGraceMillis: 8_000 } });
    const ready = test.daemon.initialize(START);
    await test.clock.advance(10);

    test.runner.drain();
    await test.clock.advance(9_001);
    await test.during(ready);
    await test.deliver(1);

    expect(test.settled).toEqual([]);
    expect(test.runner.status.unsettled).toBe(1);
  });
});

it('disposes a scope that opens after the session has ended', async () => {
  let open: (scope: Scope) => void = () => undefined;
  let disposed = 0;
  const opening = new Promise<Scope>((resolve) => (open = resolve));
  const test = new TestSession({ handlers }, { container: { openScope: () => opening } });
  test.daemon.initialize(START).catch(() => undefined);
  await test.clock.advance(10);
  await test.daemon.end();
  await test.clock.settle();

  open(scope({ dispose: async () => void (disposed += 1) }));
  await test.clock.settle();

  expect(disposed).toBe(1);
});
