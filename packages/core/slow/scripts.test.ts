/**
 * The shell scripts of the supervisor under each shell that may be /bin/sh: dash in Debian, bash in Red Hat, busybox in
 * Alpine. Those that this machine does not have are skipped, and the report says so.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LEAVE_WITH_PARENT } from '../src/daemon/dynamo-db-local.js';
import { attachRelay } from '../src/host/attach-relay.js';
import { startTickOf } from '../src/local/process-birth.js';
import { openDoor, type Door } from '../src/supervisor/door.js';
import { makePrivateFolder, type PrivateFolder } from '../src/supervisor/private-folder.js';

const SHELLS: readonly (readonly [name: string, command: readonly [string, ...string[]]])[] = [
  ['dash', ['dash']],
  ['bash', ['bash', '--posix']],
  ['busybox', ['busybox', 'sh']],
];
const IGNORED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

let folder: PrivateFolder;
let door: Door;
let doorOpen: boolean;
const bell = new EventEmitter();
const children = new Set<ChildProcess>();

beforeEach(async () => {
  folder = await makePrivateFolder();
  door = await openDoor(folder.path, (pid) => bell.emit('ring', pid));
  doorOpen = true;
});
afterEach(async () => {
  closeDoor();
  for (const { pid } of children) if (pid !== undefined) killGroup(pid);
  children.clear();
  await folder.remove();
});

function closeDoor(): void {
  if (doorOpen) door.close();
  doorOpen = false;
}

/** In a group of its own, so that a test ends all of it. */
function start(command: string, args: readonly string[]) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  children.add(child);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  if (child.pid === undefined) throw new Error(`${command} was not started`);
  return { child, pid: child.pid, said, exited };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** The pipe by which it hears of the end of the supervisor; it has no name any more. */
function holdsAlivePipe(pid: number): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => readlinkSync(join(folder, fd)).endsWith('/alive (deleted)'));
  } catch {
    // Descriptors come and go while they are looked at.
    return false;
  }
}

async function until(what: string, found: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  while (!found()) {
    if (deadline.aborted) throw new Error(`${what} did not happen`);
    await sleep(10);
  }
}

describe.each(SHELLS)('under %s', (_name, [command, ...words]) => {
  const there = spawnSync(command, [...words, '-c', 'exit 0']).status === 0;
  const shell = [command, ...words].join(' ');

  describe.runIf(there)('relay.sh', () => {
    /** Between two pipes, as the daemon starts it. */
    async function startRelay() {
      const rung = once(bell, 'ring', { signal: AbortSignal.timeout(10_000) });
      const relay = `${shell} ${join(folder.path, 'relay.sh')} ${folder.path}`;
      const script = `{ echo from-daemon; sleep 30; } | { ${relay}; echo "exit $?" >&2; } | cat`;
      const { said } = start('/bin/sh', ['-c', script]);
      const [pid] = (await rung) as [number];
      return { pid, said };
    }

    it('hands both pipes over, and lives through signals to the group', async () => {
      const { pid, said } = await startRelay();
      for (const signal of IGNORED) process.kill(pid, signal);
      const { channel, release } = attachRelay({ pid, startTick: startTickOf(pid) ?? '' });
      let heard = '';
      channel.start({ data: (chunk) => (heard += Buffer.from(chunk).toString()), end: () => undefined });
      await until('the line of the daemon', () => heard === 'from-daemon\n');
      channel.write(Buffer.from('from-host\n'));
      await until('the line of the host', () => said.out === 'from-host\n');
      await channel.close();
      release();
      await until('the end of the relay', () => startTickOf(pid) === undefined);
    });

    it('ends when the supervisor is gone', async () => {
      const { pid, said } = await startRelay();
      closeDoor();
      await until('the end of the relay', () => said.err.includes('exit 1'));
      expect(startTickOf(pid)).toBeUndefined();
    });

    it('ends at once when there is no supervisor', async () => {
      await writeFile(join(folder.path, 'door'), '999999999 3 4\n');
      const { said, exited } = start(command, [...words, join(folder.path, 'relay.sh'), folder.path]);
      expect((await exited)[0], said.err).toBeGreaterThan(0);
    });
  });

  describe.runIf(there)('guard.sh', () => {
    it('ends what it guards when the supervisor is gone, and nothing else', async () => {
      const odd = join(folder.path, 'a) (b');
      copyFileSync('/bin/sleep', odd);
      const [ward, oddWard, stranger] = [start('sleep', ['60']), start(odd, ['60']), start('sleep', ['60'])];
      const lines = [
        '999999999 1',
        `${ward.pid} ${startTickOf(ward.pid)}`,
        // An id that somebody else has got since.
        `${stranger.pid} 1`,
        `${oddWard.pid} ${startTickOf(oddWard.pid)}`,
      ];
      await writeFile(join(folder.path, 'wards'), `${lines.join('\n')}\n`);
      const guard = start(command, [...words, join(folder.path, 'guard.sh'), folder.path]);
      await until('the watch', () => holdsAlivePipe(guard.pid));
      for (const signal of IGNORED) process.kill(guard.pid, signal);
      closeDoor();
      expect(await ward.exited).toEqual([null, 'SIGKILL']);
      expect(await oddWard.exited).toEqual([null, 'SIGKILL']);
      await guard.exited;
      expect({ stranger: startTickOf(stranger.pid) !== undefined, folder: existsSync(folder.path) }).toEqual({
        stranger: true,
        folder: false,
      });
    });
  });

  describe.runIf(there)('the shell around DynamoDB Local', () => {
    const around = (...server: readonly string[]) =>
      start(command, [...words, '-c', LEAVE_WITH_PARENT, 'around', ...server]);
    const serverOf = async (run: ReturnType<typeof around>): Promise<number> => {
      await until('the server', () => run.said.out.endsWith('\n'));
      return Number(run.said.out);
    };
    const sleeper = ['/bin/sh', '-c', 'echo $$; exec sleep 60'];

    it('ends the server when the parent is gone', async () => {
      const run = around(...sleeper);
      const server = await serverOf(run);
      run.child.stdin.end();
      await run.exited;
      await until('the end of the server', () => startTickOf(server) === undefined);
    });

    it('ends the server when it is told to', async () => {
      const run = around(...sleeper);
      const server = await serverOf(run);
      run.child.kill('SIGTERM');
      await run.exited;
      await until('the end of the server', () => startTickOf(server) === undefined);
    });

    it('ends with the server, and with its exit code', async () => {
      const run = around('/bin/sh', '-c', 'echo broken >&2; exit 7');
      expect(await run.exited).toEqual([7, null]);
      expect(run.said.err).toBe('broken\n');
    });
  });

  it('is checked, because it is on this machine', () => expect(there).toBe(true));
});
