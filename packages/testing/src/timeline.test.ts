import { NonRetryableError } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { HistoryNames } from './history-names.js';
import { shardIdOf, Story } from './history.fixture.js';
import { timeline } from './timeline.js';

describe('timeline', () => {
  it('tells a session in short lines that are the same in every run', () => {
    const story = new Story()
      .begin()
      .deliver(1, 2, 3)
      .handled(1)
      .started(2)
      .ended(2, new NonRetryableError('card declined\nby the bank'))
      .retried(2, new Error('try later'))
      .wait(250)
      .parked(2, { attempts: 2 })
      .settled(2, 'parked', new Error('card declined'))
      .deferred(3)
      .asks(2)
      .answered(2, 'ThrottlingException')
      .asks(2)
      .stores(2)
      .answered(2)
      .held(3)
      .released(3)
      .drain()
      .abandoned(3)
      .status('processRecords')
      .deliver()
      .said({ kind: 'skipped', why: 'it is no JSON object' })
      .misbehaved('skippedLine', 'it is no JSON object')
      .said({ kind: 'null' })
      .status('processRecords')
      .doubt()
      .action('leaseLost')
      .said({ kind: 'status', responseFor: undefined })
      .over();

    expect(timeline(story.entries)).toMatchInlineSnapshot(`
      "t+0ms      A/1    daemon: initialize from TRIM_HORIZON
      t+0ms      A/1    session ready
      t+0ms      A/1    worker: status initialize
      t+0ms      A/1    daemon: processRecords #1..#3
      t+0ms      A/1    #1 placed started (attempt 1)
      t+0ms      A/1    #1 placed returned
      t+0ms      A/1    #1 settled: handled
      t+0ms      A/1    #2 placed started (attempt 1)
      t+0ms      A/1    #2 placed threw NON_RETRYABLE: card declined
      t+0ms      A/1    #2 runs again in 200ms
      t+250ms    A      sink: #2 parked after 2 attempts
      t+250ms    A/1    #2 settled: parked (Error: card declined)
      t+250ms    A/1    #3 deferred
      t+250ms    A/1    worker: checkpoint at #2
      t+250ms    A/1    daemon: checkpoint at #2 failed: ThrottlingException
      t+250ms    A/1    worker: checkpoint at #2
      t+250ms    A      store: checkpoint at #2
      t+250ms    A/1    held by #3: the test
      t+250ms    A/1    no longer held by #3
      t+250ms    A/1    draining: handoff
      t+250ms    A/1    #3 abandoned: the session ended
      t+250ms    A/1    worker: status processRecords
      t+250ms    A/1    daemon: processRecords without records
      t+250ms    A/1    worker: a line that the daemon skips, because it is no JSON object
      t+250ms    A/1    worker misbehaved: skippedLine (it is no JSON object)
      t+250ms    A/1    worker: the word null
      t+250ms    A/1    worker: status processRecords
      t+250ms    A/1    lease in doubt: ShutdownException
      t+250ms    A/1    daemon: leaseLost
      t+250ms    A/1    worker: status for nothing
      t+250ms    A/1    session ended: endOfInput, 0 abandoned"
    `);
  });

  it('names shards and sessions shortly, and records over all shards', () => {
    const a = new Story().deliver(1);
    const b = new Story({ shard: 'B', after: a }).deliver(1, 2);
    const again = new Story({ session: 2, after: b }).wait(5).deliver(1, 9);

    expect(timeline(again.entries)).toMatchInlineSnapshot(`
      "t+0ms      A/1    daemon: processRecords #1
      t+0ms      B/1    daemon: processRecords #2..#3
      t+5ms      A/2    daemon: processRecords #1, #4"
    `);
  });

  it('shows the runtime’s own view when it is asked for', () => {
    const story = new Story()
      .begin()
      .event({ kind: 'sessionStarted', sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 })
      .deliver(1)
      .event({ kind: 'delivered', records: 1, millisBehindLatest: 0 })
      .event({
        kind: 'progress',
        settled: { handled: 1, parked: 0, skipped: 0, filtered: 0, deduplicated: 0 },
        retries: 1,
      })
      .event({ kind: 'stuck', recordId: undefined, handler: 'placed', runningMs: 65_000 })
      .checkpoint('SHARD_END')
      .status('processRecords');

    expect(timeline(story.entries, { everything: true })).toMatchInlineSnapshot(`
      "t+0ms      A/1    daemon: initialize from TRIM_HORIZON
      t+0ms      A/1    session ready
      t+0ms      A/1    initialize acknowledged, 0 unsettled
      t+0ms      A/1    worker: status initialize
      t+0ms      A/1    session started at TRIM_HORIZON
      t+0ms      A/1    daemon: processRecords #1
      t+0ms      A/1    1 record delivered
      t+0ms      A/1    progress: 1 handled, 0 parked, 0 skipped, 0 filtered, 0 deduplicated, 1 retry
      t+0ms      A/1    placed is stuck after 65000ms
      t+0ms      A/1    checkpoint at SHARD_END requested
      t+0ms      A/1    worker: checkpoint at SHARD_END
      t+0ms      A      store: checkpoint at SHARD_END
      t+0ms      A/1    daemon: checkpoint at SHARD_END done
      t+0ms      A/1    checkpoint at SHARD_END done
      t+0ms      A/1    processRecords acknowledged, 0 unsettled
      t+0ms      A/1    worker: status processRecords"
    `);
    expect(timeline(story.entries).split('\n').length).toBeLessThan(story.entries.length);
  });

  it('cuts long errors and never shows stacks', () => {
    const story = new Story()
      .deliver(1)
      .started(1)
      .ended(1, new Error('x'.repeat(500)));

    expect(timeline(story.entries)).toMatch(/threw Error: x{113}\.\.\.$/);
  });
});

describe('names', () => {
  it('show runs of records, and what nobody delivered as it is', () => {
    const story = new Story().deliver(1, 2, 3, 4, 5);
    const names = new HistoryNames(story.entries);

    expect(names.records([1, 2, 3, 5, 1].map((n) => story.id(n)))).toBe('#1..#3, #5, #1');
    expect(names.records(['elsewhere:1:0'])).toBe('elsewhere:1:0');
    expect(names.position(story.shardId, { sequenceNumber: '7', subSequenceNumber: 2 })).toBe('7/2');
    expect(names.position(story.shardId, { sequenceNumber: '7', subSequenceNumber: 0 })).toBe('7');
  });

  it('replace ids within texts', () => {
    const story = new Story().deliver(1);

    expect(new HistoryNames(story.entries).within(`(${story.id(1)}) of ${story.shardId}`)).toBe('(#1) of A');
  });

  it('are made for sessions whose ids change from run to run', () => {
    const names = new HistoryNames(
      ['4711-x', '4712-y'].map((sessionId) => ({
        kind: 'daemonSent',
        atMs: 0,
        shardId: shardIdOf('3'),
        sessionId,
        message: { kind: 'leaseLost' },
      })),
    );

    expect(['4711-x', '4712-y', 'unknown'].map((id) => names.session(id))).toStrictEqual(['3/1', '3/2', 'unknown']);
    expect(names.shard(shardIdOf('0'))).toBe('0');
  });
});
