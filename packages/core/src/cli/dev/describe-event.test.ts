import { describe, expect, it } from 'vitest';
import { Narrator } from './describe-event.js';
import type { PlainSessionEvent } from '../../runtime/plain-event.js';
import type { ConsumerFacts, DevEvent } from './dev-events.js';

const narrator = () => new Narrator({ command: 'npx millrace', region: undefined });
const facts: ConsumerFacts = {
  consumer: 'Mailer',
  applicationName: 'mailer',
  stream: 'orders',
  endpoint: 'http://127.0.0.1:4568',
  region: undefined,
};
const loaded = (...consumers: readonly ConsumerFacts[]): DevEvent => ({
  kind: 'consumersLoaded',
  consumers,
  graceMs: 1,
});
const session = (event: object): DevEvent => ({
  kind: 'session',
  event: { at: 0, sessionId: 'mailer/A#1', shardId: 'A', ...event } as PlainSessionEvent,
});
const goodbyes = [
  session({ kind: 'leaseDoubt', why: 'the lease was lost' }),
  session({ kind: 'sessionEnded', why: 'leaseLost', abandoned: 0 }),
];

describe('the introduction', () => {
  it('says who reads what, and how to send records', () => {
    expect(narrator().tell(loaded(facts))).toBe(
      [
        'Mailer reads stream orders at http://127.0.0.1:4568 as application mailer.',
        'To send records:',
        `  npx millrace put orders --endpoint http://127.0.0.1:4568 --pattern '{"id":"{{n}}"}' --count 10`,
      ].join('\n'),
    );
  });

  it('names a command for every stream once', () => {
    const text = narrator().tell(loaded(facts, { ...facts, consumer: 'Biller' }, { ...facts, stream: 'refunds' }));
    expect(text?.match(/millrace put/g)).toHaveLength(2);
  });

  it('offers no command that would write to AWS', () => {
    expect(narrator().tell(loaded({ ...facts, endpoint: undefined }))).toBe(
      'Mailer reads stream orders at AWS as application mailer.',
    );
  });

  it('is not repeated by a restart that changes nothing', () => {
    const told = narrator();
    told.tell(loaded(facts));
    expect(told.tell(loaded(facts))).toBeUndefined();
    expect(told.tell(loaded({ ...facts, stream: 'refunds' }))).toContain('refunds');
  });
});

it('names the application where several consumers may have shards of the same id', () => {
  const told = narrator();
  told.tell(loaded(facts, { ...facts, consumer: 'Biller', applicationName: 'biller' }));
  expect(told.tell(session({ kind: 'released', recordId: undefined }))).toBe('mailer A: released.');
});

describe('the goodbye of a session', () => {
  it('is told when nobody asked for it', () => {
    const told = narrator();
    expect(goodbyes.map((event) => told.tell(event))).toEqual([
      'A: the lease is in doubt: the lease was lost.',
      'A: ended (leaseLost).',
    ]);
  });

  it.each<DevEvent>([
    { kind: 'stopping', why: 'Stopping' },
    { kind: 'fileChanged', file: 'a.ts' },
  ])('goes without saying after $kind, until the next worker', (asked) => {
    const told = narrator();
    told.tell(asked);
    expect(goodbyes.map((event) => told.tell(event))).toEqual([undefined, undefined]);
    told.tell({ kind: 'workerStarted', pid: 1 });
    expect(told.tell(goodbyes[1]!)).toBe('A: ended (leaseLost).');
  });

  it('is always told when records come again', () => {
    const told = narrator();
    told.tell({ kind: 'stopping', why: 'Stopping' });
    expect(told.tell(session({ kind: 'sessionEnded', why: 'leaseLost', abandoned: 3 }))).toBe(
      'A: ended (leaseLost), 3 records come again.',
    );
  });
});

it.each<[string | undefined, DevEvent]>([
  [
    'Embedded Kinesis at http://h:1; what it holds is gone when this command ends.',
    { kind: 'emulatorStarted', endpoint: 'http://h:1' },
  ],
  [
    'DynamoDB Local at http://h:2, for the leases; they are gone when this command ends.',
    { kind: 'dynamoDbStarted', endpoint: 'http://h:2' },
  ],
  ['The disk is full.', { kind: 'archiveFailed', why: 'The disk is full.' }],
  [undefined, { kind: 'tablesReady', applicationName: 'mailer', leases: 'written' }],
  ['Created stream orders.', { kind: 'streamReady', stream: 'orders', made: 'created' }],
  [undefined, { kind: 'streamReady', stream: 'orders', made: 'existed' }],
  [undefined, { kind: 'workerRunning' }],
  [undefined, { kind: 'workerEnded', exitCode: 0, signal: undefined }],
  ['The worker ended with exit code 75.', { kind: 'workerEnded', exitCode: 75, signal: undefined }],
  ['The worker was ended by SIGSEGV.', { kind: 'workerEnded', exitCode: undefined, signal: 'SIGSEGV' }],
  [
    'error X: broken',
    { kind: 'workerFailed', error: { name: 'E', code: 'X', message: 'broken' }, text: 'error X: broken\n' },
  ],
  ['7 events were not shown: they came faster than they could be told.', { kind: 'eventsDropped', count: 7 }],
  [
    'A: starts at TRIM_HORIZON.',
    session({ kind: 'sessionStarted', sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }),
  ],
  [
    'A: starts after …67890123.',
    session({ kind: 'sessionStarted', sequenceNumber: '1234567890123', subSequenceNumber: 0 }),
  ],
  [
    'A: HELD at A:1:0: exhausted (down)',
    session({ kind: 'held', recordId: 'A:1:0', why: 'exhausted', error: { name: 'E', message: 'down' } }),
  ],
  ['A: released at A:1:0.', session({ kind: 'released', recordId: 'A:1:0' })],
  [
    'A: placed has not come back for 1 min and does not heed its signal.',
    session({ kind: 'stuck', recordId: 'A:1:0', handler: 'placed', runningMs: 65_000 }),
  ],
  [
    'A: checkpoint shard end failed: Throttled.',
    session({ kind: 'checkpointAnswered', target: 'SHARD_END', error: 'Throttled' }),
  ],
  [undefined, session({ kind: 'checkpointAnswered', target: 'SHARD_END', error: undefined })],
  [undefined, session({ kind: 'progress', settled: {}, retries: 0 })],
])('says "%s"', (text, event) => {
  expect(narrator().tell(event)).toBe(text);
});
