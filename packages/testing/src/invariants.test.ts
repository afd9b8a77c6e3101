import { isMillraceError } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { declared, Story } from './history.fixture.js';
import { assertInvariants, checkInvariants, formatViolation } from './invariants.js';

const broken = (story: Story, definition = declared()): string[] =>
  checkInvariants(story.entries, definition).map(({ invariant, what }) => `${invariant} ${what}`);
const ids = (story: Story, definition = declared()): string[] =>
  checkInvariants(story.entries, definition).map(({ invariant }) => invariant);

describe('a session as it should be', () => {
  it('breaks nothing, from its begin to the end of its shard', () => {
    const story = new Story()
      .begin()
      .deliver(1, 2)
      .handled(1)
      .checkpoint(1)
      .handled(2)
      .asks(2)
      .answered(2, 'ThrottlingException')
      .checkpoint(2)
      .status('processRecords')
      .action('shardEnded')
      .checkpoint('SHARD_END')
      .status('shardEnded');

    expect(broken(story)).toStrictEqual([]);
  });

  it('breaks nothing when it loses its lease with work open', () => {
    const story = new Story()
      .begin()
      .deliver(1, 2)
      .handled(1)
      .started(2)
      .asks(1)
      .answered(1, 'ShutdownException')
      .doubt()
      .ended(2)
      .abandoned(2)
      .status('processRecords')
      .action('leaseLost')
      .status('leaseLost')
      .over();

    expect(broken(story)).toStrictEqual([]);
  });

  it('breaks nothing when a second session goes on where the first one crashed', () => {
    const first = new Story().begin().deliver(1, 2).handled(1).checkpoint(1).started(2).over();
    const second = new Story({ session: 2, after: first }).begin().deliver(2).handled(2).checkpoint(2);

    expect(broken(second)).toStrictEqual([]);
  });
});

describe('I1: checkpoints cover settled records only', () => {
  it.each([
    ['whose handler is running', (story: Story) => story.started(1), /still running/],
    ['that no handler has seen', (story: Story) => story, /no handler had started/],
    ['whose handler threw', (story: Story) => story.started(1).ended(1, new Error('no')), /had thrown/],
    ['that is deferred', (story: Story) => story.started(1).deferred(1).ended(1), /defer\(\) handle/],
    ['whose handler returned unnoticed', (story: Story) => story.started(1).ended(1), /was not settled by/],
  ])('a record %s', (_, before, cause) => {
    const story = before(new Story().begin().deliver(1, 2)).settled(2, 'skipped').checkpoint(2);

    const [violation] = checkInvariants(story.entries, declared());

    expect(violation).toMatchObject({ invariant: 'I1', recordId: story.id(1), shardId: story.shardId });
    expect(violation?.cause).toMatch(cause);
  });

  it('a record that is settled only after the checkpoint was asked for', () => {
    const story = new Story().begin().deliver(1).started(1).asks(1).ended(1).settled(1).stores(1).answered(1);

    expect(ids(story)).toStrictEqual(['I1']);
  });

  it('under manual, a record that nobody declared done', () => {
    const story = new Story().begin().deliver(1).started(1).ended(1).checkpoint(1);

    const [violation] = checkInvariants(story.entries, declared('record', 'manual'));

    expect(violation?.cause).toMatch(/context\.checkpoint\(\)/);
  });

  it.each([
    ['no handler had started', (story: Story) => story],
    ['its handler was running', (story: Story) => story.started(1)],
    ['its last attempt had failed', (story: Story) => story.started(1).ended(1, new Error('no'))],
  ])('a record that counts as handled although %s', (_, before) => {
    const story = before(new Story().begin().deliver(1)).settled(1).checkpoint(1);

    expect(broken(story)).toStrictEqual([expect.stringMatching(/^I1 .*counts as handled although/)]);
  });

  it('but a record may be declared done while its handler runs', () => {
    const byDeclaration = new Story().begin().deliver(1).started(1).settled(1).checkpoint(1).ended(1);
    const byHandle = new Story().begin().deliver(1).started(1).deferred(1).settled(1).checkpoint(1).ended(1);

    expect(broken(byDeclaration, declared('record', 'manual'))).toStrictEqual([]);
    expect(broken(byHandle)).toStrictEqual([]);
  });

  it('a checkpoint that nobody asked for', () => {
    expect(broken(new Story().begin().deliver(1).handled(1).stores(1))).toStrictEqual([
      expect.stringMatching(/^I1 .*never asked for/),
    ]);
  });

  it('judges each record once, and each shard by itself', () => {
    const a = new Story().begin().deliver(1, 2, 3).handled(2, 3).checkpoint(2).checkpoint(3);
    const b = new Story({ shard: 'B', after: a }).begin().deliver(1).handled(1).checkpoint(1);

    const violations = checkInvariants(b.entries, declared());

    expect(violations.map(({ recordId }) => recordId)).toStrictEqual([a.id(1)]);
  });

  it('does not ask a session for what only another one got', () => {
    const first = new Story().begin().deliver(1).abandoned(1).over();
    const second = new Story({ session: 2, after: first }).begin().deliver(2).handled(2).checkpoint(2);

    expect(broken(second)).toStrictEqual([]);
  });
});

describe('I2: records of one key run one after the other', () => {
  const failed = new Error('no');

  it.each([
    ['while the one before it runs', (story: Story) => story.started(1).started(2)],
    ['while itself still runs', (story: Story) => story.started(1).retried(1, failed).started(1, 2)],
    ['before the one before it', (story: Story) => story.handled(2).started(1)],
    [
      'when the one before it has failed and will run again',
      (story: Story) => story.started(1).ended(1, failed).started(2),
    ],
  ])('a record that starts %s', (_, happens) => {
    const story = happens(new Story().begin().deliver(1, 2));

    expect(ids(story)).toStrictEqual(['I2']);
  });

  it.each([
    ['of another key', (story: Story) => story.started(1).started(3)],
    ['when the one before it is deferred', (story: Story) => story.started(1).deferred(1).ended(1, failed).started(2)],
    [
      'when the one before it was skipped',
      (story: Story) => story.started(1).ended(1, failed).settled(1, 'skipped').started(2),
    ],
    [
      'when the one before it was given up',
      (story: Story) => story.started(1).ended(1, failed).abandoned(1).started(2),
    ],
    ['again after it failed', (story: Story) => story.started(1).ended(1, failed).retried(1, failed).started(1, 2)],
  ])('but a record may start %s', (_, happens) => {
    const story = happens(new Story().begin().deliver(1, 2, [3, 'other']));

    expect(ids(story)).toStrictEqual([]);
  });

  it('and another session may run it at the same time', () => {
    const first = new Story().begin().deliver(1).started(1);
    const second = new Story({ session: 2, after: first }).begin().deliver(1).started(1);

    expect(ids(second)).toStrictEqual([]);
  });

  it('in batches: items start together and fail one by one, but calls do not overlap', () => {
    const batch = new Story().begin().deliver(1, 2, 3).started(1).started(2).ended(1, failed).ended(2);
    expect(ids(batch, declared('batch'))).toStrictEqual([]);
    expect(ids(batch.settled(2).started(1, 2), declared('batch'))).toStrictEqual([]);
    expect(ids(batch.wait(1).retried(1, failed).started(3), declared('batch'))).toStrictEqual(['I2']);
  });
});

describe('I3: nothing starts at the end', () => {
  it.each([
    ['the lease is in doubt', (story: Story) => story.doubt()],
    ['the session drains', (story: Story) => story.drain()],
    ['the session has ended', (story: Story) => story.over()],
  ])('a handler that starts after %s', (_, happens) => {
    const story = happens(new Story().begin().deliver(1)).started(1);

    expect(ids(story)).toStrictEqual(['I3']);
  });

  it('but what had gathered is called once while the session drains, and not in doubt', () => {
    const story = (): Story => new Story().begin().deliver(1).drain().started(1);
    expect(ids(story(), declared('batch', 'record', { maxWaitMs: 100 }))).toStrictEqual([]);
    expect(ids(story(), declared('batch'))).toStrictEqual(['I3']);
    expect(ids(story().ended(1).doubt().started(1), declared('batch', 'record', { maxWaitMs: 100 }))).toStrictEqual([
      'I3',
    ]);
  });

  it('but what runs may end, and other sessions go on', () => {
    const first = new Story().begin().deliver(1).started(1).doubt().ended(1);
    const second = new Story({ session: 2, after: first }).begin().deliver(1).started(1);

    expect(ids(second)).toStrictEqual([]);
  });
});

describe('I4: checkpoints increase', () => {
  const done = (): Story => new Story().begin().deliver(1, 2).handled(1, 2);

  it('one that goes back', () => {
    expect(broken(done().checkpoint(2).asks(1).answered(1))).toStrictEqual([
      expect.stringMatching(/^I4 .*before the last/),
    ]);
  });
  it('one that repeats what was stored', () => {
    expect(broken(done().checkpoint(2).asks(2).answered(2))).toStrictEqual([expect.stringMatching(/^I4 .*again/)]);
  });
  it('one that goes back after a failure', () => {
    expect(ids(done().asks(2).answered(2, 'ThrottlingException').checkpoint(1))).toStrictEqual(['I4']);
  });
  it('a position after the end of the shard', () => {
    expect(ids(done().checkpoint('SHARD_END').asks(2).answered(2))).toStrictEqual(['I4']);
  });
  it('but the repetition of a failed one is asked for, and so is a later one', () => {
    const failed = (): Story => done().asks(1).answered(1, 'ThrottlingException');

    expect(ids(failed().checkpoint(1))).toStrictEqual([]);
    expect(ids(failed().checkpoint(2))).toStrictEqual([]);
  });
});

describe('I5: one status for each action', () => {
  it.each([
    [
      'a status for another action',
      (story: Story) => story.deliver(1).said({ kind: 'status', responseFor: 'leaseLost' }),
    ],
    ['a status for nothing', (story: Story) => story.deliver(1).said({ kind: 'status', responseFor: undefined })],
    ['a second status', (story: Story) => story.deliver().status('processRecords').status('processRecords')],
    ['an action before the last one was answered', (story: Story) => story.deliver().deliver()],
    ['output between actions', (story: Story) => story.misbehaved('outOfTurn', 'no action is open')],
    ['an answer while a handler runs', (story: Story) => story.deliver(1).started(1).status('processRecords')],
    [
      'an answer while a checkpoint is in flight',
      (story: Story) => story.deliver(1).handled(1).asks(1).status('processRecords'),
    ],
  ])('%s', (_, happens) => {
    expect(ids(happens(new Story().begin()))).toStrictEqual(['I5']);
  });

  it('but a session that gives up does not wait for its handlers', () => {
    const story = new Story().begin().deliver(1).started(1).drain().status('processRecords');

    expect(ids(story)).toStrictEqual([]);
  });
});

describe('I6: nothing but messages', () => {
  it('a line that is no message, and the word null', () => {
    const story = new Story()
      .begin()
      .deliver(1)
      .said({ kind: 'skipped', why: 'it is no JSON object' })
      .said({ kind: 'null' });

    expect(broken(story)).toStrictEqual([
      expect.stringMatching(/^I6 .*no JSON object/),
      expect.stringMatching(/^I6 .*null/),
    ]);
  });
});

describe('I7: when a checkpoint is possible', () => {
  it('two in flight', () => {
    const story = new Story().begin().deliver(1, 2).handled(1).asks(1).handled(2).asks(2);

    expect(ids(story)).toStrictEqual(['I7']);
  });

  it.each(['initialize', 'leaseLost'] as const)('one in %s', (action) => {
    const story = new Story().begin().deliver(1).handled(1).status('processRecords');
    if (action === 'leaseLost') story.action('leaseLost');
    else story.sent({ kind: 'initialize', shardId: story.shardId, sequenceNumber: '1', subSequenceNumber: 0 });

    expect(ids(story.asks(1).answered(1, 'InvalidStateException'))).toStrictEqual(['I7']);
  });
});

describe('I8: a shard ends when everything of it is settled', () => {
  const ending = (): Story =>
    new Story().begin().deliver(1, 2).handled(1).status('processRecords').action('shardEnded');

  it('an end with a record that is not settled', () => {
    const story = ending().checkpoint('SHARD_END').status('shardEnded');

    expect(checkInvariants(story.entries, declared())).toMatchObject([{ invariant: 'I8', recordId: story.id(2) }]);
  });
  it('an end that the daemon made of the last position', () => {
    expect(ids(ending().asks(2).stores('SHARD_END').answered(2))).toStrictEqual(['I8']);
  });
  it.each([
    ['never asked for', (story: Story) => story],
    ['refused', (story: Story) => story.asks('SHARD_END').answered('SHARD_END', 'ThrottlingException')],
  ])('an acknowledgement of an end that was %s', (_, happens) => {
    expect(ids(happens(ending()).status('shardEnded'))).toStrictEqual(['I8']);
  });
  it('but a lost lease ends without', () => {
    const story = ending().asks('SHARD_END').answered('SHARD_END', 'ShutdownException').doubt().status('shardEnded');

    expect(ids(story)).toStrictEqual([]);
  });
});

describe('I9: parked before covered', () => {
  const failed = (): Story => new Story().begin().deliver(1).started(1).ended(1, new Error('no'));

  it('a record that the sink never had', () => {
    expect(ids(failed().settled(1, 'parked').checkpoint(1))).toStrictEqual(['I9']);
  });
  it('a record that the sink had too late', () => {
    expect(ids(failed().settled(1, 'parked').asks(1).parked(1).stores(1).answered(1))).toStrictEqual(['I9']);
  });
  it('but one that it had', () => {
    expect(ids(failed().parked(1).settled(1, 'parked').checkpoint(1))).toStrictEqual([]);
  });
});

describe('I10: what was delivered is what handlers get', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const begun = (): Story => new Story().begin().deliver(1, 2);

  it('other bytes, another key, a record from nowhere', () => {
    expect(ids(begun().handed(1, { data: bytes('payload 2') }))).toStrictEqual(['I10']);
    expect(ids(begun().handed(1, { partitionKey: 'K' }))).toStrictEqual(['I10']);
    expect(ids(begun().handed(3))).toStrictEqual(['I10']);
  });
  it('names the handler that wrote into its record as the cause', () => {
    const story = begun()
      .handed(1)
      .handed(1, { data: bytes('written over') });
    expect(checkInvariants(story.entries, declared())[0]?.cause).toContain('wrote into record.bytes');
  });
  it('but the same at every attempt and in every session', () => {
    const story = begun().handed(1).handed(1).handed(2).over();
    expect(ids(new Story({ session: 2, after: story }).begin().deliver(2).handed(2))).toStrictEqual([]);
  });
});

describe('I12: no checkpoint in doubt', () => {
  it('one that is asked for all the same', () => {
    expect(ids(new Story().begin().deliver(1).handled(1).doubt().asks(1))).toStrictEqual(['I12']);
  });
});

describe('reports', () => {
  const story = new Story().begin().deliver(1, 2).wait(250).handled(2).checkpoint(2);
  const [violation] = checkInvariants(story.entries, declared());

  it('say what happened to which record, why, and what came before', () => {
    expect(violation === undefined ? '' : formatViolation(violation, story.entries)).toMatchInlineSnapshot(`
      "I1: a checkpoint never covers a record that was not settled before the checkpoint was asked for.
      But the stored checkpoint covers #1, which was not settled when it was asked for (shard A).
      Cause: no handler had started for it; this is decided by Millrace alone: please report it with this timeline.
        t+0ms      A/1    daemon: initialize from TRIM_HORIZON
        t+0ms      A/1    session ready
        t+0ms      A/1    initialize acknowledged, 0 unsettled
        t+0ms      A/1    worker: status initialize
        t+0ms      A/1    daemon: processRecords #1..#2
        t+250ms    A/1    #2 placed started (attempt 1)
        t+250ms    A/1    #2 placed returned
        t+250ms    A/1    #2 settled: handled
        t+250ms    A/1    checkpoint at #2 requested
        t+250ms    A/1    worker: checkpoint at #2
      > t+250ms    A      store: checkpoint at #2"
    `);
  });

  it('show 30 lines at most', () => {
    const long = new Story().begin();
    for (let n = 1; n <= 50; n += 1) long.deliver(n).handled(n).status('processRecords');
    long.deliver(51).checkpoint(51);
    const [late] = checkInvariants(long.entries, declared());

    expect(late === undefined ? [] : formatViolation(late, long.entries).split('\n')).toHaveLength(33);
  });

  it('are thrown, with everything in details', () => {
    const thrown = (): void => assertInvariants(new Story().begin().deliver(1, 2).checkpoint(2).entries, declared());

    expect(thrown).toThrow(/^I1: .*\n[\s\S]*and 1 more/);
    expect(thrown).toThrow(
      expect.toSatisfy(
        (error) => isMillraceError(error, 'INVARIANT_VIOLATED') && Array.isArray(error.details['violations']),
      ),
    );
    expect(() => assertInvariants(new Story().begin().deliver(1).checkpoint(1).entries, declared())).toThrow(/#1"?$/);
    expect(() => assertInvariants(new Story().begin().entries, declared())).not.toThrow();
  });
});
