/** Java must not outlive a launch that failed: it has no owner, no guard, and its worker id is given to the next. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { resolveConsumer } from '../config/resolve.js';
import { defineConsumer, recordHandler } from '../definition/define-consumer.js';
import type { JavaExit, JavaProcess } from '../daemon/java-process.js';
import { LogLines } from '../runtime/session.fixture.js';
import type { Fleet } from './fleet.js';
import { startDaemon } from './start-daemon.js';
import { errandsHere } from './errand-process.js';
import { makePrivateFolder } from './private-folder.js';

function fakeJava(pid: number, heard: string[]): JavaProcess & { end(exit: JavaExit): void } {
  let end: (exit: JavaExit) => void = () => undefined;
  const exited = new Promise<JavaExit>((resolve) => (end = resolve));
  return {
    pid,
    exited,
    end: (exit) => end(exit),
    terminate: () => void heard.push(`SIGTERM ${pid}`),
    killSession() {
      heard.push(`SIGKILL ${pid}`);
      end({ signal: 'SIGKILL' });
    },
    lastLines: () => [],
  };
}

describe('a daemon whose process the guard cannot be told of (the disk of TMPDIR is full)', () => {
  it('is ended before its worker id is given back', async () => {
    const heard: string[] = [];
    const folder = await makePrivateFolder();
    const consumer = resolveConsumer(
      defineConsumer({
        name: 'mailer',
        stream: 'orders',
        applicationName: 'mailer',
        options: {
          regionName: 'eu-west-1',
          dynamoDBEndpoint: 'http://127.0.0.1:1',
          kinesisEndpoint: 'http://127.0.0.1:1',
        },
        create: () => ({}),
        handlers: [recordHandler({ name: 'all', handle: () => undefined })],
      }),
      { options: {}, env: {}, engine: 'daemon' },
    );
    const java = fakeJava(4711, heard);
    // Only what startDaemon uses of it.
    const fleet = {
      folder,
      pool: { listen: () => undefined, send: () => undefined, serve: () => undefined, statusOf: () => [] },
      admissions: new Set(),
      keepLocked: () => undefined,
      protect: async () => {
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
      unprotect: async () => undefined,
    } as unknown as Fleet;
    const starting = startDaemon({
      consumer,
      index: 0,
      fleet,
      errands: errandsHere(new ManualClock()),
      launcher: { launch: async () => java },
      lock: { workerId: 'host-0', descriptor: undefined, release: () => void heard.push('lock released') },
      env: { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'eu-west-1' },
      clock: new ManualClock(),
      logger: new LogLines(),
      sameCredentials: true,
      requestStop: () => undefined,
      onChange: () => undefined,
    });
    await expect(starting).rejects.toThrow('ENOSPC');
    await folder.remove();

    expect(heard).toEqual(['SIGKILL 4711', 'lock released']);
  }, 30_000);
});
