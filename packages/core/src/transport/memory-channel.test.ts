import { describe, expect, it } from 'vitest';
import type { ByteChannel } from '../ports.js';
import { memoryChannelPair } from './memory-channel.js';

function listen(channel: ByteChannel): string[] {
  const heard: string[] = [];
  channel.start({ data: (chunk) => heard.push(Buffer.from(chunk).toString()), end: () => heard.push('<end>') });
  return heard;
}

const write = (channel: ByteChannel, text: string) => channel.write(Buffer.from(text));
const microtasks = () => new Promise((resolve) => setImmediate(resolve));

describe('memoryChannelPair', () => {
  it('delivers in order, and not while the writer is still running', async () => {
    const { worker, daemon } = memoryChannelPair();
    const heard = listen(worker);
    write(daemon, 'a');
    write(daemon, 'b');
    expect(heard).toEqual([]);

    await microtasks();

    expect(heard).toEqual(['a', 'b']);
  });

  it('keeps what is written before the other side starts, end of input included', async () => {
    const { worker, daemon } = memoryChannelPair();
    write(daemon, 'early');
    await daemon.close();
    await microtasks();

    const heard = listen(worker);
    await microtasks();

    expect(heard).toEqual(['early', '<end>']);
  });

  it('tells the end once, after all that was written', async () => {
    const { worker, daemon } = memoryChannelPair();
    const heard = listen(worker);
    write(daemon, 'last');
    await Promise.all([daemon.close(), daemon.close()]);
    await microtasks();
    await daemon.close();
    await microtasks();

    expect(heard).toEqual(['last', '<end>']);
  });

  it('is quiet after its own close', async () => {
    const { worker, daemon } = memoryChannelPair();
    const heard = listen(worker);
    write(daemon, 'unheard');
    await worker.close();
    write(daemon, 'late');
    await daemon.close();
    await microtasks();

    expect(heard).toEqual([]);
  });

  it('drops what is written to a closed end or by one', async () => {
    const { worker, daemon } = memoryChannelPair();
    const heard = listen(daemon);
    await worker.close();
    write(worker, 'too late');
    write(daemon, 'nobody listens');
    await microtasks();

    expect(heard).toEqual(['<end>']);
  });

  it('carries an answer written from inside a listener', async () => {
    const { worker, daemon } = memoryChannelPair();
    worker.start({ data: (chunk) => worker.write(chunk), end: () => void worker.close() });
    const heard = listen(daemon);
    write(daemon, '1');
    write(daemon, '2');
    await microtasks();
    await daemon.close();
    await microtasks();

    expect(heard).toEqual(['1', '2']);
  });

  it('stops in the middle of a burst when the listener closes', async () => {
    const { worker, daemon } = memoryChannelPair();
    const heard: string[] = [];
    worker.start({
      data: (chunk) => {
        heard.push(Buffer.from(chunk).toString());
        void worker.close();
      },
      end: () => heard.push('<end>'),
    });
    write(daemon, 'first');
    write(daemon, 'second');
    await microtasks();

    expect(heard).toEqual(['first']);
  });
});
