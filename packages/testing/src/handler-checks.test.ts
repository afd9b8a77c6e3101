/** What the checkers of handlers say, and what they let pass; invariants.test.ts has the rules. */
import { describe, expect, it } from 'vitest';
import { declared, Story } from './history.fixture.js';
import { checkInvariants } from './invariants.js';

const said = (story: Story, definition = declared()): string[] =>
  checkInvariants(story.entries, definition).map(({ invariant, what }) => `${invariant}: ${what}`);

const failed = new Error('no');
const begun = (): Story => new Story().begin().deliver(1, 2, 3);

describe('the order of a key', () => {
  it('is told with both records, and the key', () => {
    const running = begun().started(1).started(2);
    const one = (n: number): string => running.id(n);
    expect(said(running)).toEqual([
      `I2: the handler of ${one(2)} (key "k") started while that of ${one(1)} was running`,
    ]);
    expect(said(begun().handled(2).started(1))).toEqual([
      `I2: the handler of ${one(1)} (key "k") started after that of ${one(2)}, which comes later in the shard`,
    ]);
    expect(said(begun().started(1).ended(1, failed).started(2))).toEqual([
      `I2: the handler of ${one(2)} (key "k") started although ${one(1)} before it has failed and is not settled`,
    ]);
  });

  it('goes by the furthest record that has run, not by the first and not by the last', () => {
    expect(said(begun().handled(1, 3).started(2))).toHaveLength(1);
    expect(said(begun().handled(3, 1).started(2))).toHaveLength(2);
  });

  it('lets the next one start when the one before it has returned, or was declared done whatever it throws', () => {
    expect(said(begun().started(1).ended(1).started(2))).toEqual([]);
    expect(said(begun().started(1).settled(1).ended(1, failed).started(2))).toEqual([]);
  });

  it('is one of each session: what another one starts in between is another call', () => {
    const one = new Story().begin().deliver(1, 2);
    const other = new Story({ session: 2, after: one }).begin().deliver(1);
    one.started(1);
    other.started(1);

    expect(said(one.started(2), declared('batch'))).toEqual([
      `I2: the handler of ${one.id(2)} (key "k") started while that of ${one.id(1)} was running`,
    ]);
  });

  it('does not mind what is told of records that never came, or of attempts that never began', () => {
    expect(said(new Story().begin().started(1).ended(1).settled(1))).toEqual([]);
    expect(said(begun().ended(1))).toEqual([]);
  });
});

describe('a late start', () => {
  it.each([
    ['the lease was in doubt', (story: Story) => story.doubt()],
    ['the session was draining', (story: Story) => story.drain()],
    ['the session had ended', (story: Story) => story.over()],
  ])('is told: after %s', (why, happens) => {
    const story = happens(begun()).started(1);

    expect(said(story)).toEqual([`I3: the handler of ${story.id(1)} started after ${why}`]);
  });

  it('is one of a gathered batch that is called again', () => {
    const story = begun().drain().started(1).ended(1, failed).started(1, 2);

    expect(said(story, declared('batch', 'record', { maxWaitMs: 100 }))).toEqual([
      `I3: the handler of ${story.id(1)} started after the session was draining`,
    ]);
  });
});
