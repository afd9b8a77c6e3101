import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import type { ToHost } from '../host/host-messages.js';
import { Asks } from './asks.js';

const question = { applicationName: 'app', recordId: 'a:1:0', wish: 'skip' } as const;
const done = { kind: 'done', text: 'It is skipped.' } as const;
const refused = { kind: 'refused', text: 'It is ending.' } as const;

function world(...names: readonly string[]) {
  const clock = new ManualClock();
  const asks = new Asks(clock);
  const heard: [name: string, message: ToHost][] = [];
  const hosts = names.map((name) => ({ name, send: (message: ToHost) => void heard.push([name, message]) }));
  return { clock, asks, heard, hosts };
}

describe('a question to hosts', () => {
  it('goes to all, and the one that has the record answers for them', async () => {
    const { asks, hosts, heard, clock } = world('host-0', 'host-1');
    const answer = asks.ask(hosts, question);
    expect(heard).toEqual(['host-0', 'host-1'].map((name) => [name, { kind: 'ask', askId: 1, ...question }]));

    asks.answered('host-0', 1, undefined);
    asks.answered('host-1', 1, done);

    expect(await answer).toEqual(done);
    expect(clock.pendingTimers).toBe(0);
  });

  it('has no answer when nobody has the record, or nobody is there', async () => {
    const { asks, hosts } = world('host-0', 'host-1');
    const answer = asks.ask(hosts, question);
    asks.answered('host-1', 1, undefined);
    asks.answered('host-0', 1, undefined);

    expect(await answer).toBeUndefined();
    expect(await asks.ask([], question)).toBeUndefined();
  });

  it('prefers who carries it out to who refuses', async () => {
    const { asks, hosts } = world('host-0', 'host-1');
    const first = asks.ask(hosts, question);
    const second = asks.ask(hosts, question);
    asks.answered('host-0', 1, refused);
    asks.answered('host-1', 1, done);
    asks.answered('host-1', 2, undefined);
    asks.answered('host-0', 2, refused);

    expect([await first, await second]).toEqual([done, refused]);
  });

  it('does not wait for a host that is lost, nor without end for one that is blocked', async () => {
    const { asks, hosts, clock } = world('host-0', 'host-1');
    const answer = asks.ask(hosts, question);
    asks.gone('host-0');
    await clock.advance(35_000);

    expect(await answer).toMatchObject({
      kind: 'refused',
      text: expect.stringMatching(/^host-1 did not answer/) as string,
    });
    asks.answered('host-1', 1, done);
  });
});
