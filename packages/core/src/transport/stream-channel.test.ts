import { describe, expect, it } from 'vitest';
import type { ChannelListener } from '../ports.js';
import { isMillraceError } from '../errors.js';
import { StreamChannel } from './stream-channel.js';

/** An input and an output moved by hand. */
function handMade() {
  const calls: string[] = [];
  const writes: { text: string; written: (error?: Error) => void }[] = [];
  let source: ChannelListener | undefined;
  const channel = new StreamChannel(
    {
      start: (listener) => {
        calls.push('start');
        source = listener;
      },
      stop: () => calls.push('stop input'),
    },
    {
      write: (bytes, written) => writes.push({ text: Buffer.from(bytes).toString(), written }),
      stop: () => calls.push('stop output'),
    },
  );
  const heard: unknown[] = [];
  const listener: ChannelListener = {
    data: (chunk) => heard.push(Buffer.from(chunk).toString()),
    end: (cause) => heard.push(cause ?? 'end'),
  };
  return { channel, calls, writes, heard, listener, source: () => source };
}

describe('StreamChannel', () => {
  it('reads once it has a listener, and has one only', () => {
    const { channel, calls, listener } = handMade();
    expect(calls).toEqual([]);

    channel.start(listener);
    channel.start(listener);

    expect(calls).toEqual(['start']);
  });

  it('tells the end once, whatever comes first', () => {
    const { channel, listener, source, writes, heard } = handMade();
    channel.start(listener);
    channel.write(Buffer.from('status'));

    source()?.data(Buffer.from('x'));
    writes[0]?.written(new Error('EPIPE'));
    source()?.end();
    source()?.data(Buffer.from('late'));

    expect(heard).toEqual([
      'x',
      expect.objectContaining({ code: 'TRANSPORT_FAILED', cause: expect.objectContaining({ message: 'EPIPE' }) }),
    ]);
  });

  it('tells a failure that came before there was a listener', () => {
    const { channel, listener, writes, heard, calls } = handMade();
    channel.write(Buffer.from('early'));
    writes[0]?.written(new Error('EPIPE'));

    channel.start(listener);

    expect(isMillraceError(heard[0], 'TRANSPORT_FAILED')).toBe(true);
    expect(calls).toEqual(['stop input']);
  });

  it('closes when what was written has left', async () => {
    const { channel, writes, calls } = handMade();
    channel.write(Buffer.from('a'));
    channel.write(Buffer.from('b'));
    const closed = channel.close();
    expect(calls).toEqual(['stop input']);

    writes[0]?.written();
    await Promise.resolve();
    expect(calls).toEqual(['stop input']);
    writes[1]?.written();
    await closed;

    expect(calls).toEqual(['stop input', 'stop output']);
  });

  it('closes although nobody reads any more', async () => {
    const { channel, writes, calls } = handMade();
    channel.write(Buffer.from('a'));
    const closed = channel.close();
    writes[0]?.written(new Error('EPIPE'));

    await closed;

    expect(calls.at(-1)).toBe('stop output');
  });

  it('drops what is written after close, and closes twice without harm', async () => {
    const { channel, writes, calls, listener, heard, source } = handMade();
    channel.start(listener);
    await channel.close();
    await channel.close();

    channel.write(Buffer.from('late'));
    source()?.data(Buffer.from('late'));
    source()?.end();

    expect(writes).toEqual([]);
    expect(heard).toEqual([]);
    expect(calls).toEqual(['start', 'stop input', 'stop output']);
  });
});
