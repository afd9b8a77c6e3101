import kcl from 'aws-kcl';
import { describe, expect, it } from 'vitest';
import { isMillraceError } from '../errors.js';
import type { ByteChannel } from '../ports.js';
import { encodeDaemonMessage } from '../protocol/daemon-side.js';
import { encodeMessage } from '../protocol/encoder.js';
import type { CheckpointTarget, DaemonMessage, WorkerMessage } from '../protocol/messages.js';
import { awsKclChannel } from './aws-kcl-channel.js';
import { memoryChannelPair } from './memory-channel.js';

/** Amazon's client works through timers of the event loop; a few turns of it are enough for anything here. */
const settle = async () => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

function listen(channel: ByteChannel): { lines: string[]; ends: unknown[] } {
  const heard = { lines: [] as string[], ends: [] as unknown[] };
  channel.start({
    data: (chunk) => heard.lines.push(...Buffer.from(chunk).toString().split('\n').filter(Boolean)),
    end: (cause) => heard.ends.push(cause),
  });
  return heard;
}

function connect() {
  const pair = memoryChannelPair();
  const channel = awsKclChannel(pair.worker, kcl);
  const worker = listen(channel);
  const daemon = listen(pair.daemon);
  return {
    worker,
    daemon,
    channel,
    pair,
    fromDaemon: async (message: DaemonMessage | string) => {
      pair.daemon.write(typeof message === 'string' ? Buffer.from(`${message}\n`) : encodeDaemonMessage(message));
      await settle();
    },
    fromWorker: async (message: WorkerMessage) => {
      channel.write(encodeMessage(message));
      await settle();
    },
  };
}

const at = (sequenceNumber: string, subSequenceNumber: number): CheckpointTarget => ({
  sequenceNumber,
  subSequenceNumber,
});
const initialize = (sequenceNumber: string, subSequenceNumber = 0): DaemonMessage => ({
  kind: 'initialize',
  shardId: 's',
  sequenceNumber,
  subSequenceNumber,
});
const record = (partitionKey: string) => ({
  sequenceNumber: '7',
  subSequenceNumber: 3,
  partitionKey,
  data: Buffer.from('cat'),
  approximateArrivalTimestamp: 1,
});
const batch = (key = 'k'): DaemonMessage => ({ kind: 'processRecords', records: [record(key)], millisBehindLatest: 5 });
const checkpoint = (target: CheckpointTarget): WorkerMessage => ({ kind: 'checkpoint', target });
const status = (responseFor: 'initialize' | 'processRecords'): WorkerMessage => ({ kind: 'status', responseFor });
const answer = (sequenceNumber: string, error?: string): DaemonMessage => ({
  kind: 'checkpoint',
  sequenceNumber,
  subSequenceNumber: undefined,
  error,
});

async function inBatch(startsAfter: DaemonMessage = initialize('TRIM_HORIZON')) {
  const connected = connect();
  await connected.fromDaemon(startsAfter);
  await connected.fromWorker(status('initialize'));
  await connected.fromDaemon(batch());
  connected.daemon.lines.length = 0;
  connected.worker.lines.length = 0;
  return connected;
}

describe('awsKclChannel', () => {
  it('passes a batch on with every field, as the daemon wrote it', async () => {
    const { fromDaemon, worker } = connect();

    await fromDaemon(batch('clé\u2028\u2029"\\'));

    expect(worker.lines.join('\n')).toBe(
      Buffer.from(encodeDaemonMessage(batch('clé\u2028\u2029"\\')))
        .toString()
        .trimEnd(),
    );
  });

  it("hands U+2028 to Amazon's client as an escape, since readline may split lines there", async () => {
    const pair = memoryChannelPair();
    let raw = '';
    const spy: typeof kcl = (processor, ...[input, output, error]) => {
      input.on('data', (chunk: Uint8Array) => (raw += Buffer.from(chunk).toString()));
      return kcl(processor, input, output, error);
    };
    listen(awsKclChannel(pair.worker, spy));
    pair.daemon.write(encodeDaemonMessage(batch('a\u2028b')));
    await settle();

    expect(raw).toContain(String.raw`"a\u2028b"`);
  });

  it('writes a checkpoint inside an aggregate at its sequence number only, which never covers more', async () => {
    const { fromWorker, fromDaemon, daemon, worker } = await inBatch();

    await fromWorker(checkpoint(at('7', 2)));
    await fromDaemon(answer('7'));

    expect(daemon.lines).toEqual(['{"action":"checkpoint","sequenceNumber":"7"}']);
    expect(worker.lines).toEqual(['{"action":"checkpoint","sequenceNumber":"7","subSequenceNumber":2,"error":null}']);
  });

  it("writes nothing where the daemon's checkpoint stands at that sequence number already", async () => {
    const { fromWorker, daemon, worker } = await inBatch(initialize('7', 1));

    await fromWorker(checkpoint(at('7', 3)));

    // Sent, it would be (7, 0): behind (7, 1), where this shard started, and refused.
    expect(daemon.lines).toEqual([]);
    expect(worker.lines).toEqual(['{"action":"checkpoint","sequenceNumber":"7","subSequenceNumber":3,"error":null}']);
  });

  it('writes a failed checkpoint again when asked to, and a stored one not', async () => {
    const { fromWorker, fromDaemon, daemon, worker } = await inBatch();

    await fromWorker(checkpoint(at('7', 2)));
    await fromDaemon(answer('7', 'ThrottlingException'));
    await fromWorker(checkpoint(at('7', 2)));
    await fromDaemon(answer('7'));
    await fromWorker(checkpoint(at('7', 3)));

    expect(daemon.lines).toHaveLength(2);
    expect(worker.lines.map((line) => (JSON.parse(line) as { error: unknown }).error)).toEqual([
      'ThrottlingException',
      null,
      null,
    ]);
  });

  it('writes one status, even if asked for two', async () => {
    const { fromWorker, daemon } = await inBatch();

    await fromWorker(status('processRecords'));
    await fromWorker(status('processRecords'));

    expect(daemon.lines).toEqual(['{"action":"status","responseFor":"processRecords"}']);
  });

  it.each([
    ['a line that is no JSON', '{"action":"processRec'],
    ['null', 'null'],
    ['an unknown action', '{"action":"shutdown","reason":"TERMINATE"}'],
    ['an answer to no checkpoint', '{"action":"checkpoint","sequenceNumber":"1","subSequenceNumber":0,"error":null}'],
  ])("lets the session judge %s, which would crash Amazon's client", async (_, line) => {
    const { fromDaemon, worker } = connect();

    await fromDaemon(line);

    expect(worker.lines).toEqual([line]);
  });

  it('takes a field named __proto__ for the unknown field it is', async () => {
    const { fromDaemon, worker } = connect();

    await fromDaemon('{"action":"leaseLost","__proto__":{"checkpointer":1}}');

    expect(worker.lines).toEqual(['{"action":"leaseLost"}']);
  });

  it('tells the end of input after the last message, once, with its cause', async () => {
    const { pair, worker, channel } = connect();
    pair.daemon.write(encodeDaemonMessage(initialize('1')));
    await pair.daemon.close();
    await settle();

    expect(worker.lines).toHaveLength(1);
    expect(worker.ends).toEqual([undefined]);
    await channel.close();
  });

  it('is quiet after its own close, and closes twice without harm', async () => {
    const { pair, worker, daemon, channel } = connect();
    await channel.close();
    await channel.close();
    pair.daemon.write(encodeDaemonMessage(initialize('1')));
    channel.write(encodeMessage(status('initialize')));
    await settle();

    expect(worker).toEqual({ lines: [], ends: [] });
    expect(daemon).toEqual({ lines: [], ends: [undefined] });
  });

  it('ends with the cause when the line of the daemon cannot be taken', async () => {
    let tell: ((chunk: Uint8Array) => void) | undefined;
    const pipes: ByteChannel = {
      start: (listener) => (tell = (chunk) => listener.data(chunk)),
      write: () => undefined,
      close: () => Promise.resolve(),
    };
    const { ends } = listen(awsKclChannel(pipes, kcl));
    // Zeros that nobody writes to take no memory.
    tell?.(Buffer.alloc(401 * 1024 * 1024));
    await settle();

    expect(ends.map((cause) => isMillraceError(cause, 'LINE_TOO_LONG'))).toEqual([true]);
  });
});
