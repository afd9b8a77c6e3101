import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionEvent } from './events.js';
import type { Observer } from './ports.js';
import { SessionEvents } from './session-events.js';

const common = { at: 1, sessionId: 's1', shardId: 'shardId-000' };
const ready: SessionEvent = { ...common, kind: 'sessionReady' };
const ended: SessionEvent = { ...common, kind: 'sessionEnded', why: 'leaseLost', abandoned: 0 };
const started: SessionEvent = {
  ...common,
  kind: 'handlerStarted',
  recordId: 'r',
  partitionKey: 'k',
  handler: 'placed',
  attempt: 1,
};

const seen: unknown[] = [];
const listen = (message: unknown): void => void seen.push(message);
afterEach(() => {
  unsubscribe('millrace:session', listen);
  seen.length = 0;
});

function observer(records: boolean): Observer & { readonly events: SessionEvent[] } {
  const events: SessionEvent[] = [];
  return { records, events, onEvent: (event) => void events.push(event) };
}

describe('the events of sessions', () => {
  it('are not even built while nobody listens', () => {
    expect(new SessionEvents(undefined).observer).toBeUndefined();
  });

  it('are published while the channel has subscribers, single records included', () => {
    const events = new SessionEvents(undefined);
    subscribe('millrace:session', listen);
    expect(events.observer?.records).toBe(true);

    events.observer?.onEvent(ready);
    events.observer?.onEvent(started);
    unsubscribe('millrace:session', listen);

    expect(seen).toEqual([ready, started]);
    expect(events.observer).toBeUndefined();
  });

  it.each([
    [true, [ready, started]],
    [false, [ready]],
  ])('reach an observer as it asked for them (records: %s), whatever the channel gets', (records, expected) => {
    const user = observer(records);
    subscribe('millrace:session', listen);
    const events = new SessionEvents(user);

    for (const event of [ready, started]) events.observer?.onEvent(event);

    expect(user.events).toEqual(expected);
    expect(seen).toEqual([ready, started]);
  });

  it('do not name single records when nobody wants them', () => {
    expect(new SessionEvents(observer(false)).observer?.records).toBe(false);
  });

  it('let the end of a session be counted, also when the observer throws', () => {
    let ends = 0;
    const events = new SessionEvents({
      records: false,
      onEvent: () => {
        throw new Error('broken');
      },
    });
    events.whenSessionEnds(() => {
      ends += 1;
    });

    expect(() => events.observer?.onEvent(ended)).toThrow('broken');
    expect(ends).toBe(1);
  });
});
