/**
 * Does taking over a relay's pipes work here? A relay between two real pipes, taken over and spoken through, before the
 * daemon starts: /proc may be missing, or hide processes, or the kernel may forbid it.
 */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { toError } from '../errors.js';
import { attachRelay } from '../host/attach-relay.js';
import type { RelayProcess } from '../host/host-messages.js';
import { startTickOf } from '../local/process-birth.js';
import { openDoor } from './door.js';
import { makePrivateFolder } from './private-folder.js';

export type SelfTest = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** A machine that is slow for a moment must not make each shard a process of its own, so there is a second, patient try. */
const TRIES_MS: readonly number[] = [5_000, 20_000];

/** Never rejects. */
export async function attachSelfTest(): Promise<SelfTest> {
  if (process.platform !== 'linux') return { ok: false, why: `${process.platform} has no /proc` };
  let why = '';
  for (const withinMs of TRIES_MS) {
    try {
      await tryOnce(withinMs);
      return { ok: true };
    } catch (error) {
      why = toError(error).message;
      // Anything but the time being up is the same the next time.
      if (toError(error).name !== 'AbortError') break;
    }
  }
  return { ok: false, why };
}

async function tryOnce(withinMs: number): Promise<void> {
  const folder = await makePrivateFolder();
  try {
    await speakThroughRelay(folder.path, withinMs);
  } finally {
    await folder.remove();
  }
}

async function speakThroughRelay(folder: string, withinMs: number): Promise<void> {
  const signal = AbortSignal.timeout(withinMs);
  const bell = new EventEmitter();
  const rung = once(bell, 'ring', { signal });
  // Heard below, if we come so far.
  rung.catch(() => undefined);
  const door = await openDoor(folder, (pid) => bell.emit('ring', pid));
  // The daemon's part: it writes a line, and prints the line that comes back.
  const relay = `/bin/sh ${join(folder, 'relay.sh')} ${folder}`;
  const script = `{ echo to-relay; sleep ${withinMs / 1000}; } | ${relay} | { read -r line && echo "$line"; }`;
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  try {
    const [pid] = (await rung) as [number];
    const startTick = startTickOf(pid);
    if (startTick === undefined) throw new Error('/proc does not show the relay');
    await speak({ pid, startTick }, { answers: child.stdout, signal });
  } finally {
    door.close();
    if (child.pid !== undefined && child.exitCode === null) killGroup(child.pid);
  }
}

async function speak(
  relay: RelayProcess,
  { answers, signal }: { answers: Readable; signal: AbortSignal },
): Promise<void> {
  const attached = attachRelay(relay);
  const { channel } = attached;
  try {
    const ear = new EventEmitter();
    const heard = once(ear, 'data', { signal });
    channel.start({ data: (chunk) => ear.emit('data', Buffer.from(chunk)), end: () => ear.emit('data', '') });
    if (String((await heard)[0]) !== 'to-relay\n') throw new Error('what was sent did not come through the relay');
    const answered = once(answers, 'data', { signal });
    channel.write(Buffer.from('from-host\n'));
    if (String((await answered)[0]) !== 'from-host\n') throw new Error('what was answered did not reach the other end');
  } finally {
    await channel.close();
    attached.release();
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}
