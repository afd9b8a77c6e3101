import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileCheckpointStore } from './file-checkpoint-store.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const orders = { applicationName: 'mailer', stream: 'orders', logger: silent };
const at = (sequenceNumber: string, subSequenceNumber = 0) => ({ sequenceNumber, subSequenceNumber });
const refused = (text: string | RegExp) =>
  expect.objectContaining({ code: 'CHECKPOINT_STORE_FAILED', message: expect.stringMatching(text) as string });

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  path = join(folder, 'deep', 'mailer.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the checkpoint file', () => {
  it('brings back what was put before it was closed', async () => {
    const first = await openFileCheckpointStore(path, orders);
    expect(first.get('A')).toBeUndefined();
    await first.put('A', at('7', 2));
    await first.put('B', 'SHARD_END');
    await first.close();

    const second = await openFileCheckpointStore(path, orders);

    expect([second.get('A'), second.get('B')]).toEqual([at('7', 2), 'SHARD_END']);
    await second.close();
  });

  it('has a value on disk by the time its put resolves', async () => {
    const store = await openFileCheckpointStore(path, orders);
    for (const number of ['1', '2', '3']) {
      await store.put('A', at(number));
      expect(await readFile(path, 'utf8')).toContain(`"sequenceNumber":"${number}"`);
    }
    await store.close();
  });

  it('shows a value only once it is durable', async () => {
    const store = await openFileCheckpointStore(path, orders);
    const put = store.put('A', at('1'));
    expect(store.get('A')).toBeUndefined();
    await put;
    expect(store.get('A')).toEqual(at('1'));
    await store.close();
  });

  it('keeps every value of many puts at once, the later of one shard last', async () => {
    const store = await openFileCheckpointStore(path, orders);
    const shards = Array.from({ length: 200 }, (_, index) => `shard-${index}`);
    await Promise.all([...shards.map((shard) => store.put(shard, at('1'))), store.put('shard-7', at('2'))]);
    await store.close();
    const again = await openFileCheckpointStore(path, orders);
    expect(shards.filter((shard) => again.get(shard) === undefined)).toEqual([]);
    expect(again.get('shard-7')).toEqual(at('2'));
    await again.close();
  });

  it('finishes what was put before close, and refuses what comes after', async () => {
    const store = await openFileCheckpointStore(path, orders);
    const put = store.put('A', at('1'));
    await store.close();
    await put;
    expect(await readFile(path, 'utf8')).toContain('"A"');
    await expect(store.put('A', at('2'))).rejects.toEqual(refused('is closed'));
  });

  it('tells the worker of a dependency error when it cannot be written, keeps the old value, and recovers', async () => {
    const store = await openFileCheckpointStore(path, orders);
    await store.put('A', at('1'));
    await mkdir(`${path}.tmp`);

    await expect(store.put('A', at('2'))).rejects.toMatchObject({ javaName: 'KinesisClientLibDependencyException' });
    expect(store.get('A')).toEqual(at('1'));

    await rm(`${path}.tmp`, { recursive: true });
    await store.put('A', at('3'));
    expect(store.get('A')).toEqual(at('3'));
    await store.close();
  });

  it('survives what a killed writer left behind', async () => {
    await mkdir(join(folder, 'deep'));
    await writeFile(`${path}.tmp`, '{"format":"millra');
    const store = await openFileCheckpointStore(path, orders);
    await store.put('A', at('1'));
    await store.close();
    expect(await readdir(join(folder, 'deep'))).toEqual(['mailer.json']);
  });
});

describe('a checkpoint file that is not ours to use is refused', () => {
  it('when it is corrupt, and stays as it is', async () => {
    await mkdir(join(folder, 'deep'));
    await writeFile(path, '{"format":');
    await expect(openFileCheckpointStore(path, orders)).rejects.toEqual(
      refused(/mailer\.json cannot be understood: .* Restore it/),
    );
    expect(await readdir(join(folder, 'deep'))).toEqual(['mailer.json']);
  });

  it('when another application or another stream wrote it', async () => {
    await (await openFileCheckpointStore(path, orders)).close();
    const store = await openFileCheckpointStore(path, orders);
    await store.put('A', at('1'));
    await store.close();
    await expect(openFileCheckpointStore(path, { ...orders, applicationName: 'biller' })).rejects.toEqual(
      refused('belongs to application "mailer"'),
    );
    await expect(openFileCheckpointStore(path, { ...orders, stream: 'returns' })).rejects.toEqual(
      refused('on stream "orders"'),
    );
  });

  it('when a newer version wrote it', async () => {
    await mkdir(join(folder, 'deep'));
    await writeFile(path, '{"format":"millrace.checkpoints","version":9}');
    await expect(openFileCheckpointStore(path, orders)).rejects.toEqual(refused('newer Millrace \\(version 9\\)'));
  });

  it('when it is a folder', async () => {
    await mkdir(path, { recursive: true });
    await expect(openFileCheckpointStore(path, orders)).rejects.toEqual(refused('cannot be read'));
  });

  it('when its folder cannot be made', async () => {
    await writeFile(join(folder, 'deep'), 'a file');
    await expect(openFileCheckpointStore(path, orders)).rejects.toEqual(refused('cannot be locked'));
  });
});

describe('the lock', () => {
  it('refuses a second owner in the same process, and lets the next one in after close', async () => {
    const store = await openFileCheckpointStore(path, orders);
    await expect(openFileCheckpointStore(path, orders)).rejects.toEqual(
      refused(`in use by process ${process.pid} on .* Stop that worker`),
    );
    await store.close();
    await (await openFileCheckpointStore(path, orders)).close();
  });

  it('refuses while another process lives, and takes over at once when it was killed', async () => {
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    const exited = once(other, 'exit');
    const claim = `${path}.lock.${other.pid}.${await birthOf(other.pid ?? 0)}.${hostname()}`;
    await mkdir(join(folder, 'deep'));
    await writeFile(claim, '');
    try {
      await expect(openFileCheckpointStore(path, orders)).rejects.toEqual(refused(`in use by process ${other.pid} on`));
    } finally {
      other.kill('SIGKILL');
      await exited;
    }
    const started = performance.now();
    const store = await openFileCheckpointStore(path, orders);
    expect(performance.now() - started).toBeLessThan(500);
    expect((await readdir(join(folder, 'deep'))).filter((name) => name.includes(`.${other.pid}.`))).toEqual([]);
    await store.close();
  });

  it('is not fooled when the id of a killed owner was given to another process', async () => {
    await mkdir(join(folder, 'deep'));
    await writeFile(`${path}.lock.${process.ppid}.1-00000000.${hostname()}`, '');
    await (await openFileCheckpointStore(path, orders)).close();
  });

  it('does not judge an owner on another host, and says what to delete', async () => {
    await mkdir(join(folder, 'deep'));
    const claim = `${path}.lock.1.1-00000000.elsewhere`;
    await writeFile(claim, '');
    await expect(openFileCheckpointStore(path, orders)).rejects.toEqual(
      refused(`on elsewhere. If that worker does not run any more, delete ${claim}`),
    );
    await rm(claim);
    await (await openFileCheckpointStore(path, orders)).close();
  });

  it('goes to one at most of many who come at once', async () => {
    const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => openFileCheckpointStore(path, orders)));
    const winners = attempts.filter((attempt) => attempt.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    await winners[0]?.value.close();
  });
});

async function birthOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  return `${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}-${boot.slice(0, 8)}`;
}
