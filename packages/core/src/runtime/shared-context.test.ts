import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { StrayErrors } from '../containment.js';
import type { RecordContext } from '../definition/context.js';
import { recordHandler } from '../definition/define-consumer.js';
import { currentRecord } from './current-context.js';
import { LogLines, TestSession } from './session.fixture.js';

const seen = (): string => currentRecord()?.record.sequenceNumber.slice(-1) ?? 'none';

/** A session whose handler gets the number of its record. */
async function session(handle: (number: string, context: RecordContext) => unknown): Promise<TestSession> {
  const typed = (_: unknown, context: RecordContext) => handle(context.record.sequenceNumber.slice(-1), context);
  const test = new TestSession({
    handlers: [recordHandler({ name: 'placed', handle: typed })],
    checkpoint: 'batch',
    retry: { attempts: 1, then: 'skip' },
  });
  await test.initialize();
  return test;
}

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('handlers that return no promise', () => {
  it('see their own record each, and nobody sees it afterwards', async () => {
    const found: string[] = [];
    const test = await session(() => void found.push(seen()));

    await test.deliver(1, 2, 3);
    await test.deliver(4, 5);

    expect(found).toEqual(['1', '2', '3', '4', '5']);
    expect(seen()).toBe('none');
  });

  it('throw as their own records do', async () => {
    const found: string[] = [];
    const test = await session((number) => {
      found.push(seen());
      if (number === '2') throw new Error('no');
    });

    await test.deliver(1, 2, 3, 4);

    expect(found).toEqual(['1', '2', '3', '4']);
    expect(test.settled).toEqual(['1:handled', '2:skipped', '3:handled', '4:handled']);
  });

  it('leave code behind that finds no other record, whichever runs then', async () => {
    const found: string[] = [];
    const test = await session((number) => void setImmediate(() => found.push(`${number} sees ${seen()}`)));

    await test.deliver(1, 2, 3);
    await turnOfTheLoop();

    // The first may still be one that could have returned a promise.
    expect(found).toEqual(['1 sees 1', '2 sees none', '3 sees none']);
  });

  it('leave errors behind that count for no record, and not towards the end of the worker', async () => {
    const logger = new LogLines();
    const stops: Error[] = [];
    const strays = new StrayErrors({
      clock: new ManualClock(),
      logger,
      requestStop: (cause) => void stops.push(cause),
    });
    const test = await session(() => void setImmediate(() => strays.take(new Error('late'))));

    await test.deliver(1, 2, 3, 4, 5);
    await turnOfTheLoop();

    expect(stops).toEqual([]);
    expect(test.settled).toHaveLength(5);
    expect(logger.lines.map(({ message }) => message)).toEqual(
      Array.from({ length: 5 }, () => expect.stringContaining('not awaited')),
    );
  });
});

describe('a handler that returns a promise after all', () => {
  it('keeps what it shared, and each that follows has its own', async () => {
    const found: string[] = [];
    const test = await session(async (number) => {
      if (number < '3') return;
      found.push(seen());
      await turnOfTheLoop();
      found.push(seen());
    });

    await test.deliver(1, 2, 3, 4, 5);

    expect(found).toEqual(['3', '3', '4', '4', '5', '5']);
  });

  it('does so also when those before it did not', async () => {
    const found: string[] = [];
    const later = async (): Promise<void> => {
      await turnOfTheLoop();
      found.push(seen());
    };
    const test = await session((number) => (number < '3' ? undefined : later()));

    await test.deliver(1, 2, 3, 4);
    await test.deliver(5);

    expect(found).toEqual(['3', '4', '5']);
  });
});

describe('a record that a quick handler defers', () => {
  it('keeps the context for what the handler has left running', async () => {
    const found: string[] = [];
    const test = await session((number, context) => {
      if (number < '2') return;
      const handle = context.defer();
      setImmediate(() => {
        found.push(seen());
        handle.done();
      });
    });

    await test.deliver(1, 2, 3);
    await turnOfTheLoop();

    expect(found).toEqual(['2', '3']);
  });
});
