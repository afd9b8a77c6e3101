import { describe, expect, it } from 'vitest';
import { SessionRoster } from './session-roster.js';

function roster() {
  let gone = 0;
  return { roster: new SessionRoster('app', () => (gone += 1)), gone: () => gone };
}

describe('sessions', () => {
  it('have names that are never used twice', () => {
    const { roster: all } = roster();
    const first = all.open();
    all.close(first);

    expect(all.open()).not.toBe(first);
  });

  it('of a shard that is taken up again are told, oldest first, wherever they are served (S6)', () => {
    const { roster: all } = roster();
    const [first, second, other] = [all.open(), all.open(), all.open()];
    all.know(first, 'A');
    all.know(other, 'B');

    expect(all.know(second, 'A')).toEqual([first]);
  });

  it('are told apart by who was opened first, not by who was heard of first: the host of the older may have been blocked', () => {
    const { roster: all } = roster();
    const [older, younger] = [all.open(), all.open()];

    expect(all.know(younger, 'A')).toEqual([]);
    expect(all.know(older, 'A')).toEqual([older]);
  });

  it('that nobody opened are nobody', () => {
    expect(roster().roster.know('x', 'A')).toEqual([]);
  });
});

describe('the end', () => {
  it('is awaited for the sessions that were initialized, and told once', () => {
    const { roster: all, gone } = roster();
    const [served, waiting] = [all.open(), all.open()];
    all.know(served, 'A');
    all.awaitEnd();
    expect(gone()).toBe(0);

    all.close(served);
    all.close(waiting);

    expect(gone()).toBe(1);
  });

  it('has come at once when nothing is served', () => {
    const { roster: all, gone } = roster();
    all.open();
    all.awaitEnd();

    expect(gone()).toBe(1);
  });

  it('does not wait for sessions that a stopping daemon starts', () => {
    const { roster: all, gone } = roster();
    const served = all.open();
    all.know(served, 'A');
    all.awaitEnd();
    all.know(all.open(), 'B');
    all.close(served);

    expect(gone()).toBe(1);
  });

  it('is not told after everything was cleared', () => {
    const { roster: all, gone } = roster();
    const served = all.open();
    all.know(served, 'A');
    all.awaitEnd();
    all.clear();
    all.close(served);

    expect(gone()).toBe(0);
  });
});
