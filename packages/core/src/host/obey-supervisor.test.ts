import { expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { LiveSessions, type LiveSessionsSetup } from '../runtime/live-sessions.js';
import type { FromHost, ToHost } from './host-messages.js';
import { obeySupervisor } from './obey-supervisor.js';

it('a child answers a question about a record that does not wait in it', async () => {
  const told: FromHost[] = [];
  let say: (message: ToHost) => void = () => undefined;
  const link = {
    tell: (message: FromHost) => void told.push(message),
    listen: (heard: (message: ToHost) => void) => void (say = heard),
    closed: new Promise<void>(() => undefined),
    close: () => undefined,
  };
  // No session is opened, so nothing of the setup is looked at.
  const sessions = new LiveSessions({} as LiveSessionsSetup);
  const clock = new ManualClock();
  const end = obeySupervisor({ link, sessions, clock, applicationName: 'app' });

  say({ kind: 'ask', askId: 7, applicationName: 'app', recordId: 'a:1:0', wish: 'skip' });
  await clock.settle();

  expect(told.at(-1)).toEqual({ kind: 'answer', askId: 7, answer: undefined });
  end();
});
