import { expect, it } from 'vitest';
import { NonRetryableError } from '../errors.js';
import type { SessionEvent } from '../events.js';
import { plainEvent } from './plain-event.js';

const common = { at: 1, sessionId: 's', shardId: 'A' };

it('makes errors plain, so that JSON carries them', () => {
  const event: SessionEvent = { ...common, kind: 'held', recordId: 'r', why: 'w', error: new NonRetryableError('no') };
  expect(JSON.parse(JSON.stringify(plainEvent(event)))).toEqual({
    ...common,
    kind: 'held',
    recordId: 'r',
    why: 'w',
    error: { name: 'NonRetryableError', code: 'NON_RETRYABLE', message: 'no' },
  });
});

it.each<SessionEvent>([
  { ...common, kind: 'sessionReady' },
  { ...common, kind: 'checkpointAnswered', target: 'SHARD_END', error: 'Throttled' },
  { ...common, kind: 'recordSettled', recordId: 'r', partitionKey: 'k', how: 'handled', attempts: 1, error: undefined },
])('leaves $kind as it is', (event) => {
  expect(plainEvent(event)).toBe(event);
});
