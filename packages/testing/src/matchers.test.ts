import { isMillraceError } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { Story } from './history.fixture.js';
import {
  check,
  reveal,
  toHaveAbandoned,
  toHaveFiltered,
  toHaveHandled,
  toHaveParked,
  toHaveRetried,
  toHaveSkipped,
  type MatchResult,
} from './matchers.js';
import { toBeHeld, toHaveCheckpointed, toHaveLostNothing } from './shard-matchers.js';
import './vitest.js';

const said = ({ message }: MatchResult): string => message();
const failed = new Error('card declined');

describe('toHaveHandled', () => {
  it('holds when all are handled, and says what else became of the others', () => {
    const story = new Story().begin().deliver(1, 2, 3, 4).handled(1, 2).started(3).ended(3, failed).retried(3, failed);

    expect(toHaveHandled(story, story.record(1), story.record(2)).pass).toBe(true);
    const result = toHaveHandled(story, story.record(1), story.record(3), story.record(4));
    expect(result.pass).toBe(false);
    expect(said(result)).toMatchInlineSnapshot(`
      "Expected #3 (shard A, key "k") to be handled, but it waits 200 ms for its next attempt after Error: card declined.
      Expected #4 (shard A, key "k") to be handled, but no handler has started for it."
    `);
  });

  it.each([
    ['never delivered', (story: Story) => story, 'it was never delivered to the worker'],
    ['waiting', (story: Story) => story.deliver(1), 'no handler has started for it'],
    ['running', (story: Story) => story.deliver(1).started(1, 2), 'placed is still running (attempt 2)'],
    [
      'returned',
      (story: Story) => story.deliver(1).started(1).ended(1),
      'placed returned and nobody has declared it done',
    ],
    [
      'failed',
      (story: Story) => story.deliver(1).started(1).ended(1, failed),
      'placed threw Error: card declined (attempt 1)',
    ],
    [
      'deferred',
      (story: Story) => story.deliver(1).started(1).deferred(1),
      'it is deferred and its handle was not used',
    ],
    [
      'skipped',
      (story: Story) => story.deliver(1).settled(1, 'skipped', failed),
      'it was skipped after Error: card declined',
    ],
    ['abandoned', (story: Story) => story.deliver(1).abandoned(1).over(), 'it was abandoned: the session ended'],
    [
      'in a dead session',
      (story: Story) => story.deliver(1).over(),
      'its session ended (endOfInput) before it was settled',
    ],
  ])('says so of a record that is %s', (_, happens, state) => {
    const record = new Story().deliver(1).record(1);

    expect(said(toHaveHandled(happens(new Story()), record))).toContain(`to be handled, but ${state}.`);
  });

  it('does not take a repeated delivery in one session for a new beginning', () => {
    const story = new Story().deliver(1).started(1).deliver(1);

    expect(said(toHaveHandled(story, story.record(1)))).toContain('placed is still running (attempt 1)');
  });

  it('holds for a record that a later session handled', () => {
    const first = new Story().begin().deliver(1).abandoned(1).over();
    const second = new Story({ session: 2, after: first }).begin().deliver(1).handled(1).over();

    expect(toHaveHandled(second, second.record(1)).pass).toBe(true);
  });

  it('says why its opposite does not hold', () => {
    const story = new Story().deliver(1).handled(1);

    expect(said(toHaveHandled(story, story.record(1)))).toBe(
      'Expected #1 (shard A, key "k") not to be handled, but it was handled.',
    );
  });

  it('refuses to hold for nothing', () => {
    expect(() => toHaveHandled(new Story())).toThrow(expect.objectContaining({ code: 'TEST_MISUSED' }));
  });

  it('shows payloads only to those who ask', () => {
    const story = new Story().deliver(1);

    expect(said(toHaveHandled(story, story.record(1)))).not.toContain('payload');
    expect(said(toHaveHandled(reveal(story), story.record(1)))).toContain('payload "payload 1"');
  });
});

describe('toHaveParked', () => {
  const story = new Story()
    .begin()
    .deliver(1, 2, 3)
    .parked(1, { attempts: 3 })
    .settled(1, 'parked', failed)
    .parked(2)
    .handled(3);

  it.each([
    {},
    { reason: 'declined' },
    { reason: /^card/ },
    { reason: 'PaymentError' },
    { reason: /E_CARD/g },
    { attempts: 3 },
  ])('holds for %o', (as) => {
    expect(toHaveParked(story, story.record(1), as).pass).toBe(true);
  });

  it.each([{ reason: 'expired' }, { reason: /^declined/ }, { attempts: 4 }, { reason: 'declined', attempts: 4 }])(
    'does not hold for %o, and says what the sink has',
    (as) => {
      const result = toHaveParked(story, story.record(1), as);

      expect(result.pass).toBe(false);
      expect(said(result)).toContain('but it was parked after 3 attempts because of PaymentError: card declined.');
    },
  );

  it('wants both: the sink to have it and the record to be settled', () => {
    const unsettled = new Story().deliver(1).parked(1);
    const nowhere = new Story().deliver(1).settled(1, 'parked');

    expect(toHaveParked(unsettled, unsettled.record(1)).pass).toBe(false);
    expect(toHaveParked(nowhere, nowhere.record(1)).pass).toBe(false);
    expect(said(toHaveParked(story, story.record(3), { reason: 'no', attempts: 2 }))).toBe(
      'Expected #3 (shard A, key "k") to be parked after 2 attempts because of "no", but it was handled.',
    );
  });
});

describe('toHaveSkipped', () => {
  it('tells skipped from handled', () => {
    const story = new Story().deliver(1, 2).settled(1, 'skipped').handled(2);

    expect(toHaveSkipped(story, story.record(1)).pass).toBe(true);
    expect(toHaveSkipped(story, story.record(2)).pass).toBe(false);
  });
});

describe('toHaveFiltered', () => {
  it('tells filtered from handled', () => {
    const story = new Story().deliver(1, 2).settled(1, 'filtered').handled(2);

    expect(toHaveFiltered(story, story.record(1)).pass).toBe(true);
    expect(said(toHaveFiltered(story, story.record(2)))).toBe(
      'Expected #2 (shard A, key "k") to be filtered, but it was handled.',
    );
    expect(story).not.toHaveFiltered(story.record(2));
  });
});

describe('toHaveRetried', () => {
  const story = new Story().deliver(1, 2);
  story.started(1).ended(1, failed).started(1, 2).ended(1, failed, 2).started(1, 3).ended(1, undefined, 3).settled(1);
  story.handled(2);

  it('counts the runs after the first', () => {
    expect(toHaveRetried(story, story.record(1)).pass).toBe(true);
    expect(toHaveRetried(story, story.record(1), 2).pass).toBe(true);
    expect(toHaveRetried(story, story.record(1), 3).pass).toBe(false);
    expect(toHaveRetried(story, story.record(2)).pass).toBe(false);
    expect(toHaveRetried(story, story.record(2), 0).pass).toBe(true);
  });

  it('says how often it was', () => {
    expect(said(toHaveRetried(story, story.record(1), 3))).toBe(
      'Expected #1 (shard A, key "k") to have run again 3 times, but it ran again 2 times; it was handled.',
    );
  });
});

describe('toHaveAbandoned', () => {
  it('holds for what a session gave up or left behind', () => {
    const story = new Story().deliver(1, 2, 3).handled(1).abandoned(2).over();

    expect(toHaveAbandoned(story, story.record(2), story.record(3)).pass).toBe(true);
    expect(toHaveAbandoned(story, story.record(1)).pass).toBe(false);
  });
});

describe('toHaveCheckpointed', () => {
  const a = new Story().begin().deliver(1, 2, 3).handled(1, 2).checkpoint(1).checkpoint(2);
  const b = new Story({ shard: 'B', after: a }).begin().deliver(1).handled(1).checkpoint('SHARD_END');

  it('holds exactly at the latest checkpoint of the shard', () => {
    expect(toHaveCheckpointed(a, a.record(2)).pass).toBe(true);
    expect(said(toHaveCheckpointed(a, a.record(1)))).toBe(
      'Expected the checkpoint of shard A to be at #1, but it is at #2.',
    );
    expect(toHaveCheckpointed(a.bed, a.record(3)).pass).toBe(false);
  });

  it('tells the end of one shard from the end of all', () => {
    expect(toHaveCheckpointed(b, 'SHARD_END').pass).toBe(true);
    expect(said(toHaveCheckpointed(b.bed, 'SHARD_END'))).toBe(
      'Expected the checkpoint of shard A to be at SHARD_END, but it is at #2.',
    );
    expect(toHaveCheckpointed(b, b.record(1)).pass).toBe(false);
  });

  it('does not hold before the first checkpoint', () => {
    const story = new Story().begin().deliver(1);

    expect(said(toHaveCheckpointed(story, story.record(1)))).toContain('nothing was stored yet');
    expect(toHaveCheckpointed(story.bed, 'SHARD_END').pass).toBe(false);
  });
});

describe('toBeHeld', () => {
  it('holds until the hold is released or its session has ended', () => {
    const held = (): Story => new Story().begin().deliver(1).held(1);

    expect(toBeHeld(held()).pass).toBe(true);
    expect(toBeHeld(held().released(1)).pass).toBe(false);
    expect(toBeHeld(held().over()).pass).toBe(false);
    expect(said(toBeHeld(held()))).toBe('Expected shard A not to be held, but #1 is held because the test.');
  });

  it('looks at one shard or at all', () => {
    const a = new Story().begin().deliver(1).held();
    const b = new Story({ shard: 'B', after: a }).begin();

    expect(toBeHeld(b).pass).toBe(false);
    expect(toBeHeld(b.bed).pass).toBe(true);
    expect(said(toBeHeld(new Story().bed))).toBe('Expected a shard of the bed to be held, but nothing is held.');
  });
});

describe('toHaveLostNothing', () => {
  it('holds when everything is settled or comes again', () => {
    const story = new Story().begin().deliver(1, 2, 3).handled(1).checkpoint(1).started(2).over();

    expect(toHaveLostNothing(story).pass).toBe(true);
    expect(said(toHaveLostNothing(story))).toContain('all 3 records');
  });

  it('does not hold when a checkpoint covers what was not settled, even if it was settled later', () => {
    const story = new Story().begin().deliver(1).started(1).checkpoint(1).ended(1).settled(1);

    expect(said(toHaveLostNothing(story))).toMatch(/covers #1, which was not settled/);
  });

  it('does not hold when an abandoned record lies before the checkpoint of the next session', () => {
    const first = new Story().begin().deliver(1).abandoned(1).over();
    const second = new Story({ session: 2, after: first }).begin().deliver(2).handled(2).checkpoint(2);

    expect(said(toHaveLostNothing(second))).toMatch(
      /#1 lies before the stored checkpoint and it was abandoned.*redeliver/,
    );
  });

  it('does not hold when a parked record is in no sink', () => {
    const story = new Story().begin().deliver(1).settled(1, 'parked').checkpoint(1);

    expect(toHaveLostNothing(story).pass).toBe(false);
  });

  it('does not hold when a shard ends with a record open', () => {
    expect(toHaveLostNothing(new Story().begin().deliver(1).checkpoint('SHARD_END')).pass).toBe(false);
  });

  it('looks at one shard or at all', () => {
    const a = new Story().begin().deliver(1).checkpoint(1);
    const b = new Story({ shard: 'B', after: a }).begin().deliver(1).handled(1).checkpoint(1);

    expect(toHaveLostNothing(b).pass).toBe(true);
    expect(toHaveLostNothing(b.bed).pass).toBe(false);
  });

  it('refuses to hold when nothing was delivered', () => {
    expect(() => toHaveLostNothing(new Story().begin())).toThrow(expect.objectContaining({ code: 'TEST_MISUSED' }));
  });
});

describe('with other test runners', () => {
  it('check throws what the matcher says', () => {
    const story = new Story().deliver(1, 2).handled(1);

    expect(() => check(toHaveHandled(story, story.record(1)))).not.toThrow();
    expect(() => check(toHaveHandled(story, story.record(2)))).toThrow(
      expect.toSatisfy((error) => isMillraceError(error, 'EXPECTATION_FAILED') && error.message.includes('#2')),
    );
  });
});

describe('with vitest', () => {
  const story = new Story()
    .begin()
    .deliver(1, 2, 3)
    .handled(1)
    .parked(2)
    .settled(2, 'parked')
    .checkpoint(2)
    .abandoned(3);
  const [one, two, three] = [story.record(1), story.record(2), story.record(3)];

  it('every matcher is there', () => {
    expect(story).toHaveHandled(one);
    expect(story).toHaveParked(two, { reason: /declined/ });
    expect(story).not.toHaveSkipped(one, two);
    expect(story).toHaveCheckpointed(two);
    expect(story).not.toHaveRetried(one);
    expect(story).toHaveAbandoned(three);
    expect(story).not.toBeHeld();
    expect(story).toHaveLostNothing();
  });

  it('they fail with their own words', () => {
    expect(() => expect(story).toHaveHandled(two)).toThrow(/Expected #2 .* to be handled, but it was parked/);
    expect(() => expect(story).not.toHaveHandled(one)).toThrow(/Expected #1 .* not to be handled/);
  });

  it('"not" of several records means none of them', () => {
    expect(story).not.toHaveHandled(two, three);
    expect(() => expect(story).not.toHaveHandled(two, one)).toThrow(/#1/);
  });
});
