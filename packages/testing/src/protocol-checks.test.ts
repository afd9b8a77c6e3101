/** What the checkers of the protocol say, and what they let pass; invariants.test.ts has the rules. */
import { defineConsumer, recordHandler } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { declared, Story } from './history.fixture.js';
import { checkInvariants } from './invariants.js';

const found = (story: Story, definition = declared()) => checkInvariants(story.entries, definition);
const said = (story: Story, definition = declared()): string[] =>
  found(story, definition).map(({ invariant, what }) => `${invariant}: ${what}`);

const begun = (): Story => new Story().begin();
const inLanes = defineConsumer({
  name: 'OrderMailer',
  stream: 'orders',
  applicationName: 'mailer',
  concurrency: { perShard: 2 },
  handlers: [recordHandler({ name: 'placed', handle: () => undefined })],
});

describe('what is wrong with a status', () => {
  it.each([
    [
      'a status for leaseLost came while processRecords was open',
      begun().deliver(1).said({ kind: 'status', responseFor: 'leaseLost' }),
    ],
    [
      'a status for nothing came while processRecords was open',
      begun().deliver(1).said({ kind: 'status', responseFor: undefined }),
    ],
    [
      'a status for processRecords came while no action was open',
      begun().deliver().status('processRecords').status('processRecords'),
    ],
    ['processRecords was not answered before shardEnded came', begun().deliver().action('shardEnded')],
    ['the worker wrote out of turn: no action is open', begun().misbehaved('outOfTurn', 'no action is open')],
    [
      'processRecords was acknowledged while a checkpoint was in flight',
      begun().deliver(1).handled(1).asks(1).status('processRecords'),
    ],
  ])('is told: %s', (what, story) => {
    expect(said(story)).toEqual([`I5: ${what}`]);
  });

  it('is told with the record whose handler runs', () => {
    const story = begun().deliver(1).started(1).status('processRecords');

    expect(found(story)).toMatchObject([
      {
        invariant: 'I5',
        recordId: story.id(1),
        what: `processRecords was acknowledged while the handler of ${story.id(1)} was running`,
      },
    ]);
  });
});

describe('a status may come', () => {
  it.each([
    ['when the record that runs was given up', begun().deliver(1).started(1).abandoned(1).status('processRecords')],
    ['while a handler runs, in doubt', begun().deliver(1).started(1).doubt().status('processRecords')],
    ['beside a line that the daemon skips', begun().deliver().misbehaved('skippedLine', 'x').status('processRecords')],
  ])('%s', (_, story) => {
    expect(said(story)).toEqual([]);
  });

  it('while records run in lanes, for their batch and for nothing else', () => {
    const ahead = begun().deliver(1).started(1).status('processRecords');
    expect(said(ahead, inLanes)).toEqual([]);
    expect(said(ahead.action('shutdownRequested').status('shutdownRequested'), inLanes)).toEqual([
      `I5: shutdownRequested was acknowledged while the handler of ${ahead.id(1)} was running`,
    ]);
  });
});
