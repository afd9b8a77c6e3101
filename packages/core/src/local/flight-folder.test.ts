import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatFlightLine } from '../policy/flight-lines.js';
import { Crew } from '../runtime/crew.js';
import { LogLines } from '../runtime/session.fixture.js';
import { openFlightFolder } from './flight-folder.js';

const SHARD = 'shardId-000000000001';
const at = { sequenceNumber: '49680472822785406503947250856611970033281563257059934001', subSequenceNumber: 3 };

let path: string;
let logger: LogLines;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'millrace.flights-'));
  logger = new LogLines();
});
afterEach(() => rm(path, { recursive: true, force: true }));

function openFolder(folder = path) {
  return openFlightFolder({ path: folder, crew: new Crew(), logger });
}

function openShard(shardId = SHARD) {
  const recorder = openFolder();
  if (recorder === undefined) throw new Error('The folder is open.');
  return recorder.open(shardId);
}

/** A process that has certainly been, and is no more. */
function deadPid(): number {
  return spawnSync('true').pid;
}

async function leave(name: string, ...entries: readonly Parameters<typeof formatFlightLine>[0][]): Promise<void> {
  await writeFile(join(path, name), Buffer.concat(entries.map(formatFlightLine)));
}

describe('the folder of what is in flight', () => {
  it('gives the next process what a dead one has left, until that has taken it over', async () => {
    await leave(
      `${SHARD}.${deadPid()}.1.1`,
      { kind: 'delivered', upTo: at },
      { kind: 'flying', from: at, to: at, alone: true },
    );
    const expected = {
      ended: false,
      delivered: at,
      suspects: [],
      flying: [{ kind: 'flying', from: at, to: at, alone: true }],
    };

    const first = openShard();
    expect(first.lives).toEqual([expected]);
    // It died before it had written anything: what was left is still there.
    const second = openShard();
    expect(second.lives).toEqual([expected]);
    second.log.takenOver();

    expect(openShard().lives).toEqual([]);
    expect(logger.lines).toEqual([]);
  });

  it('gives nothing of other shards, nor of sessions that are alive', async () => {
    await leave(`shardId-000000000002.${deadPid()}.1.1`, { kind: 'delivered', upTo: at });
    const alive = openShard();
    alive.log.write(0, { kind: 'delivered', upTo: at });

    expect(openShard().lives).toEqual([]);
  });

  it('knows a dead process by its birth when its id is taken again', async () => {
    await leave(`${SHARD}.${process.pid}.1.1`, { kind: 'delivered', upTo: at });

    expect(openShard().lives).toHaveLength(process.platform === 'linux' ? 1 : 0);
  });

  it.each([
    ['junk', 'junk'],
    [
      'half a line',
      Buffer.from(formatFlightLine({ kind: 'delivered', upTo: at }))
        .toString()
        .slice(0, 100),
    ],
  ])('ignores %s with a warning, and removes it', async (_, text) => {
    await writeFile(join(path, `${SHARD}.${deadPid()}.1.1`), text);

    const { lives, log } = openShard();
    log.takenOver();
    log.close(false);

    expect(lives).toEqual([]);
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn']);
    expect(existsSync(path)).toBe(false);
  });

  it('leaves nothing when a session ends in order, and its file when the next one has to know', async () => {
    const first = openShard();
    first.log.write(0, { kind: 'delivered', upTo: at });
    first.log.close(false);
    expect(existsSync(path)).toBe(false);

    const second = openShard();
    second.log.write(0, { kind: 'ended' });
    second.log.close(true);
    expect(await readdir(path)).toHaveLength(1);
  });

  it('is done without where it cannot be made, or where others may write', async () => {
    await writeFile(join(path, 'file'), '');
    expect(openFolder(join(path, 'file', 'below'))).toBeUndefined();
    await chmod(path, 0o777);
    expect(openFolder()).toBeUndefined();
    const below = join(path, 'application');
    expect(openFlightFolder({ path: below, within: path, crew: new Crew(), logger })).toBeUndefined();
    await symlink(tmpdir(), below);
    await chmod(path, 0o700);
    expect(openFolder(below)).toBeUndefined();

    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'warn', 'warn']);
  });

  it('is not there before the first session', () => {
    const within = join(path, 'all');
    expect(openFlightFolder({ path: join(within, 'application'), within, crew: new Crew(), logger })).toBeDefined();

    expect(existsSync(within)).toBe(false);
  });

  it('does not fail its session when it is removed under it', async () => {
    const recorder = openFolder();
    await rm(path, { recursive: true, force: true });

    const opened = recorder?.open(SHARD);
    opened?.log.write(0, { kind: 'delivered', upTo: at });
    opened?.log.close(false);

    expect(opened?.lives).toEqual([]);
  });
});
