/**
 * `run` as a real child process of a daemon: the production daemon side talks to it over real pipes. What no fake can
 * show stands here: errors that Node would end the process for, signals, exit codes, printing.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetterEntry } from '../src/ports.js';
import type { WireRecord } from '../src/protocol/messages.js';
import { StdioChild } from '../test/support/stdio-child.js';

const fixture = fileURLToPath(new URL('fixtures/child.mjs', import.meta.url));

let folder: string;
let child: Child;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-run-'));
});

afterEach(async () => {
  child.process.kill();
  await rm(folder, { recursive: true });
});

class Child extends StdioChild {
  constructor(env: Readonly<Record<string, string>> = {}) {
    super([fixture], folder, env);
  }

  /** The last record whose checkpoint was stored. */
  get checkpointed(): number | undefined {
    const last = this.stored.at(-1);
    return last === undefined || last === 'SHARD_END' ? undefined : Number(BigInt(last.sequenceNumber) - 10n ** 55n);
  }

  async parked(): Promise<readonly DeadLetterEntry[]> {
    const { readParked } = await import('../dist/index.js');
    return collect(readParked(join(folder, 'parked')));
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function record(n: number, what: string): WireRecord {
  return {
    sequenceNumber: String(10n ** 55n + BigInt(n)),
    subSequenceNumber: 0,
    partitionKey: `key-${n}`,
    approximateArrivalTimestamp: Date.now(),
    data: Buffer.from(JSON.stringify({ what })),
  };
}

describe('a handler that misbehaves', () => {
  it.each([
    ['throws', 'throws on purpose'],
    ['rejectsLater', 'rejected and nobody awaits it'],
    ['throwsInTimer', 'thrown in a timer'],
    ['exits', 'process.exit(3)'],
    ['exitsInTimer', 'process.exit(4)'],
    ['hangs', 'ran longer than 300 ms'],
  ])('%s: its record is parked, its neighbours are handled, the process lives', async (what, message) => {
    child = new Child();
    await child.start();

    await child.daemon.processRecords([record(1, 'ok'), record(2, what), record(3, 'ok')], 0);
    const parked = await child.parked();

    expect(parked).toHaveLength(1);
    expect(parked[0]?.id).toContain(String(10n ** 55n + 2n));
    expect(JSON.stringify(parked[0]?.causes)).toContain(message);
    expect(child.checkpointed).toBe(3);
    expect(child.misbehaviour).toEqual([]);
  });

  it('prints null, forged messages and the output of its own children: nothing reaches the daemon', async () => {
    child = new Child();
    await child.start();

    await child.daemon.processRecords([record(1, 'prints')], 0);

    expect(child.misbehaviour).toEqual([]);
    expect(child.checkpointed).toBe(1);
    expect(child.stderr).toContain('"action":"checkpoint"');
    expect(child.stderr).toContain('from a grandchild');
    expect(child.stderr).toContain('printed while loading');
  });
});

it('runs where Node refuses the property by which prototypes are polluted', async () => {
  child = new Child({ NODE_OPTIONS: '--disable-proto=throw' });
  await child.start();

  await child.daemon.processRecords([record(1, 'ok'), record(2, 'throws'), record(3, 'ok')], 0);

  expect(await child.parked()).toHaveLength(1);
  expect(child.checkpointed).toBe(3);
  expect(child.misbehaviour).toEqual([]);
});

describe('the end of the process', () => {
  it('comes with code 0 when the daemon ends the lease', async () => {
    child = new Child();
    await child.start();
    await child.daemon.leaseLost();
    await child.daemon.end();

    expect(await child.exited).toBe(0);
  });

  it('comes with code 0 at end of input, although a timer of the user is alive', async () => {
    child = new Child();
    await child.start();
    await child.daemon.end();

    expect(await child.exited).toBe(0);
  });

  it('waits on SIGTERM for the daemon, and finishes what runs', async () => {
    child = new Child();
    await child.start();
    const delivered = child.daemon.processRecords([record(1, 'slow'), record(2, 'ok')], 0);
    await until(() => child.stderr.includes('slow has started'));

    child.process.kill('SIGTERM');
    await delivered;
    await child.daemon.shutdownRequested();
    await child.daemon.leaseLost();
    await child.daemon.end();

    expect(child.checkpointed).toBe(1);
    expect(await child.exited).toBe(0);
  });

  it('keeps its code when a signal comes in the last moment', async () => {
    child = new Child({ SIGNAL_AT_EXIT: 'SIGTERM' });
    await child.start();
    await child.daemon.end();

    expect(await child.exited).toBe(0);
  });

  it('comes with code 75 when a handler stops the worker, without waiting for the daemon', async () => {
    child = new Child();
    await child.start();

    await child.daemon.processRecords([record(1, 'ok'), record(2, 'stops'), record(3, 'ok')], 0);

    expect(child.checkpointed).toBe(1);
    expect(await child.exited).toBe(75);
  });

  it('comes with code 70 when the daemon speaks nonsense', async () => {
    child = new Child();
    await child.start();

    child.process.stdin.write('{"action":"dance"}\n');

    expect(await child.exited).toBe(70);
    expect(child.stderr).toContain('PROTOCOL_VIOLATION');
  });

  it('comes with code 2 and every mistake when the configuration is wrong', async () => {
    child = new Child({ MILLRACE_MAX_RECORDS: 'many', MILLRACE_IDLE_TIME_BETWEEN_READS_IN_MILLIS: '20s' });

    expect(await child.exited).toBe(2);
    expect(child.stderr).toContain('maxRecords');
    expect(child.stderr).toContain('idleTimeBetweenReadsInMillis');
  });

  it('comes with code 2 when there is no such engine, and says which there are', async () => {
    child = new Child({ MILLRACE_ENGINE: 'demon' });

    expect(await child.exited).toBe(2);
    expect(child.stderr).toContain('MILLRACE_ENGINE');
  });
});

/** The child's own output tells when it is so far. */
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await once(child.process.stderr, 'data');
}
