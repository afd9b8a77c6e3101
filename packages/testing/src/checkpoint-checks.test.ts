/** What the checkers of checkpoints say, and what they let pass; invariants.test.ts has the rules. */
import { describe, expect, it } from 'vitest';
import { declared, Story } from './history.fixture.js';
import { checkInvariants } from './invariants.js';

const found = (story: Story, definition = declared()) => checkInvariants(story.entries, definition);
const said = (story: Story, definition = declared()): string[] =>
  found(story, definition).map(({ invariant, what }) => `${invariant}: ${what}`);

const failed = new Error('no');
const begun = (): Story => new Story().begin().deliver(1, 2);

describe('a checkpoint over what is not settled', () => {
  it('is told with the record, and with the end of the shard where it is that', () => {
    const story = begun().checkpoint(1);
    expect(said(story)).toEqual([
      `I1: the stored checkpoint covers ${story.id(1)}, which was not settled when it was asked for`,
    ]);

    const ended = begun().handled(1).status('processRecords').action('shardEnded').checkpoint('SHARD_END');
    expect(said(ended)).toEqual([
      `I8: the stored checkpoint SHARD_END covers ${ended.id(2)}, which was not settled when it was asked for`,
    ]);
  });

  it.each([
    [
      'deferred',
      (story: Story) => story.started(1).wait(50).deferred(1).ended(1).wait(200),
      'its handler took a defer() handle at t+150ms that was not used by t+350ms;',
    ],
    [
      'running',
      (story: Story) => story.started(1).wait(200),
      'its handler, started at t+100ms, was still running at t+300ms;',
    ],
    [
      'thrown',
      (story: Story) => story.started(1).wait(30).ended(1, failed),
      'its handler had thrown at t+130ms and nothing was decided yet;',
    ],
    [
      'returned',
      (story: Story) => story.started(1).wait(30).ended(1).wait(10),
      'its handler returned at t+130ms, but the record was not settled by t+140ms;',
    ],
  ])('has a cause with its times: %s', (_, before, cause) => {
    const story = before(begun().wait(100)).settled(2, 'skipped').checkpoint(2);

    expect(found(story)[0]?.cause).toContain(cause);
  });

  it('counts a handler as running that ended after the request', () => {
    const story = begun().started(1).settled(2, 'skipped').asks(2).ended(1).stores(2).answered(2);

    expect(found(story)[0]?.cause).toContain('was still running');
  });

  it.each([
    ['no handler had started for it', (story: Story) => story.settled(1).started(1).ended(1)],
    ['its handler was still running', (story: Story) => story.started(1).settled(1).ended(1)],
    ['its handler was still running', (story: Story) => story.started(1).settled(1).deferred(1).ended(1)],
    ['its last attempt had failed', (story: Story) => story.started(1).ended(1, failed).settled(1)],
  ])('counts as handled although %s', (why, before) => {
    const story = before(new Story().begin().deliver(1)).checkpoint(1);

    expect(said(story)).toEqual([
      `I1: the stored checkpoint covers ${story.id(1)}, which counts as handled although ${why}`,
    ]);
  });

  it('is not told of a record that came after the request', () => {
    const story = new Story().begin().deliver(1).handled(1).status('processRecords').action('shardEnded');

    expect(
      said(story.asks('SHARD_END').deliver(2).stores('SHARD_END')).filter((what) => what.startsWith('I8')),
    ).toEqual([]);
  });

  it('goes by the first delivery of a record that comes again', () => {
    const story = new Story().begin().deliver(1).handled(1).status('processRecords').deliver(1).checkpoint(1);

    expect(said(story)).toEqual([]);
  });
});

describe('a checkpoint that nobody asked for', () => {
  const UNASKED = ['I1: a checkpoint was stored that the runtime never asked for'];

  it.each([
    ['is asked for too late', (story: Story) => story.stores(1).asks(1)],
    ['is another one than was asked for', (story: Story) => story.asks(1).stores(2)],
  ])('%s', (_, happens) => {
    expect(said(happens(begun().handled(1, 2)))).toEqual(UNASKED);
  });

  it('was asked for on another shard', () => {
    const a = new Story().begin().deliver(1).handled(1);
    const b = new Story({ shard: 'B', after: a }).begin().deliver(1).handled(1).asks(1);

    expect(said(a.stores(1))).toEqual(UNASKED);
    expect(said(b)).toEqual(UNASKED);
  });
});

it('a record that the sink did not have is told with what a sink has to do', () => {
  const story = new Story().begin().deliver(1).started(1).ended(1, failed).settled(1, 'parked').checkpoint(1);

  expect(said(story)).toEqual([
    `I9: the stored checkpoint covers ${story.id(1)}, which the dead-letter sink did not have yet`,
  ]);
  expect(found(story)[0]?.cause).toContain('a sink must not resolve before its entry is durable');
});

describe('the end of a shard', () => {
  const UNSTORED = 'I8: the end of the shard was acknowledged although SHARD_END was not stored';

  it('is not stored because a position is', () => {
    const story = new Story().begin().deliver(1).handled(1).checkpoint(1).status('processRecords').action('shardEnded');

    expect(said(story.status('shardEnded'))).toEqual([UNSTORED]);
  });

  it('is asked for once', () => {
    const story = new Story().begin().status('initialize').action('shardEnded').checkpoint('SHARD_END');

    expect(said(story.asks('SHARD_END').answered('SHARD_END')).filter((what) => what.startsWith('I4'))).toEqual([
      'I4: a checkpoint was asked for again although the one before it was stored',
    ]);
  });
});

describe('checkpoints that increase', () => {
  const done = (): Story => begun().handled(1, 2);

  it('may repeat what failed, in a later batch as well', () => {
    const story = done().asks(2).answered(2, 'ThrottlingException').status('processRecords').deliver(3);

    expect(said(story.asks(2).answered(2))).toEqual([]);
  });

  it('do not repeat what nobody has answered', () => {
    expect(said(done().asks(2).asks(2))).toEqual([
      'I7: a checkpoint was asked for while another one was not answered',
      'I4: a checkpoint was asked for again although the one before it was stored',
    ]);
  });

  it('are not upset by an answer to nothing', () => {
    expect(said(done().answered(1))).toEqual([]);
  });
});

it('each checkpoint is told that the daemon does not take, or that comes in doubt', () => {
  const lost = begun().handled(1).status('processRecords').action('leaseLost');
  const none = 'I7: a checkpoint was asked for in leaseLost, where the daemon takes none';
  expect(said(lost.asks(1).answered(1, 'InvalidStateException').asks(1))).toEqual([none, none]);

  expect(said(begun().handled(1).doubt().asks(1))).toEqual([
    'I12: a checkpoint was asked for although the lease was in doubt',
  ]);
});

it('violations come in the order in which they happened', () => {
  const story = begun().said({ kind: 'null' }).checkpoint(1);

  expect(found(story).map(({ invariant }) => invariant)).toEqual(['I6', 'I1']);
});
