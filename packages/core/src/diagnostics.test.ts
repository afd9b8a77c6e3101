import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it } from 'vitest';
import { daemonChannel, hostChannel, sessionChannel, type DiagnosticsMessages } from './diagnostics.js';

it('publishes on channels with the names that are documented', () => {
  const seen: string[] = [];
  const listen = (_: unknown, name: string | symbol): void => void seen.push(String(name));
  const names = [
    'millrace:session',
    'millrace:daemon',
    'millrace:host',
  ] as const satisfies readonly (keyof DiagnosticsMessages)[];
  for (const name of names) subscribe(name, listen);

  sessionChannel.publish({ kind: 'sessionReady', at: 1, sessionId: 's1', shardId: 'shardId-000' });
  daemonChannel.publish({ kind: 'restarting', at: 1, applicationName: 'mailer', delayMs: 1000, why: 'exit code 1' });
  hostChannel.publish({ kind: 'blocked', at: 1, hostId: 'h1', pid: 12, silentMs: 5000, stack: undefined });
  for (const name of names) unsubscribe(name, listen);

  expect(seen).toEqual(names);
  expect(hostChannel.hasSubscribers).toBe(false);
});
