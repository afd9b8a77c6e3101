/** One whole run at the loudest log level: what it leaves behind anywhere is searched for what belongs to others. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findWorkers } from '../src/control/control-client.js';
import { until } from './support/until.js';
import { useWorlds } from './support/world.js';

const { startWorld } = useWorlds();

/** Of the environment: nobody writes them anywhere. */
const ENVIRONMENT = {
  AWS_SECRET_ACCESS_KEY: 'can01ary/K7MDENG+bPxRfiCYEXAMPLEKEY00000',
  AWS_SESSION_TOKEN: 'can02ary-session-token',
  MILLRACE_MAVEN_USER: 'can03ary-user',
  MILLRACE_MAVEN_PASSWORD: 'can04ary-password',
  DATABASE_URL: 'postgres://me:can05ary@db/orders',
  REDIS_PASSWORD: 'can06ary',
  API_TOKEN: 'can07ary',
  NPM_TOKEN: 'can08ary',
  GITHUB_TOKEN: 'can09ary',
  SLACK_WEBHOOK: 'https://hooks.example.com/can10ary',
};
/** Of the producer: they stand where records are kept, which is the file of parked ones, and nowhere else. */
const RECORDS = Array.from({ length: 10 }, (_, index) => `can${index + 11}ary`);
const [inPayload, inKey, notJson, notUtf8, notRead, inAggregate, aggregateKey, ofParked, ofSlow, afterAll] =
  RECORDS as [string, string, string, string, string, string, string, string, string, string];

/** What a terminal or a reader of lines would take for something else. */
const FORGED = '\u001b[2J\r\n{"level":60,"msg":"forged"}\u2028';

it('twenty secrets stand in nothing that a worker says or leaves, and nothing in a record forges a line', async () => {
  const world = await startWorld({ shards: 1 });
  const place = (name: string): string => join(world.folder, name);
  await Promise.all(['runtime', 'temporary', 'parked', 'transcripts'].map((name) => mkdir(place(name))));
  const worker = world.startWorker({
    retry: { attempts: 2, initialDelayMs: 10 },
    env: {
      ...ENVIRONMENT,
      MILLRACE_LOG_LEVEL: 'trace',
      MILLRACE_DAEMON_LOG: 'root=TRACE',
      MILLRACE_TRANSCRIPTS: place('transcripts'),
      XDG_RUNTIME_DIR: place('runtime'),
      TMPDIR: place('temporary'),
      E2E_PARKED: place('parked'),
    },
  });

  await world.put([
    { id: 'handled', more: { password: inPayload } },
    { id: 'keyed', key: inKey },
    { id: 'throws', more: { do: 'throw', token: ofParked } },
    { id: 'forges', more: { do: 'throw' }, key: FORGED },
    { id: FORGED, more: { do: 'throw' } },
    { id: 'slow', more: { do: 'slow', token: ofSlow } },
  ]);
  await world.putEntries([
    { PartitionKey: 'a', Data: Buffer.from(`{"password":"${notJson}"`) },
    { PartitionKey: 'b', Data: Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(notUtf8)]) },
    { PartitionKey: 'c', Data: Buffer.from(notRead) },
  ]);
  await world.putAggregate([
    { id: 'one', more: { password: inAggregate } },
    { id: 'two', key: aggregateKey },
  ]);
  await world.put([{ id: 'last', more: { password: afterAll } }]);
  await until('the last record', () => world.handled().some(({ payload }) => payload === 'last'));

  const { workers } = await findWorkers({ XDG_RUNTIME_DIR: place('runtime') });
  const status = workers.find(({ pid }) => pid === worker.pid);
  const commands = worker.processes().map(({ command }) => command);
  const files = await readAll(world.folder);
  expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
  for (const [name, text] of await readAll(world.folder)) files.set(name, text);

  const own = ['ledger.jsonl', 'parked/'];
  const kept = [...files].filter(([name]) => own.some((one) => name.startsWith(one)));
  const others = [...files].filter(([name]) => !own.some((one) => name.startsWith(one)));
  const said = worker.logs.map((line) => JSON.stringify(line)).join('\n');
  // Otherwise nothing was searched.
  expect(said.length).toBeGreaterThan(100_000);
  expect(commands.join('\n')).toContain('MultiLangDaemon');
  expect(status).toBeDefined();
  const names = others.map(([name]) => name).join('\n');
  for (const kind of ['transcripts/', '.properties', '.logback.xml', '/flights/']) expect(names).toContain(kind);
  expect(foundIn(RECORDS, kept.map(([, text]) => text).join('\n'))).toContain(ofParked);

  const places = {
    said,
    commands: commands.join('\n'),
    status: JSON.stringify(status),
    ...Object.fromEntries(others),
  };
  expect(leaks([...RECORDS, ...secretsOf(ENVIRONMENT)], places)).toEqual([]);
  expect(leaks(secretsOf(ENVIRONMENT), Object.fromEntries(kept))).toEqual([]);

  expect(said).toContain('forged');
  const lines = worker.logs.filter(({ level, msg }) => level === 0 && msg.includes('forged'));
  expect(lines).toEqual([]);
  expect(worker.logs.filter(({ msg }) => msg === 'forged')).toEqual([]);
}, 120_000);

function secretsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  return Object.values(environment).flatMap((value) => /can\d\dary/.exec(value) ?? []);
}

function foundIn(secrets: readonly string[], text: string): readonly string[] {
  return secrets.filter((secret) => formsOf(secret).some((form) => text.includes(form)));
}

/** The text, and what is certain of it in base64, wherever in a longer one it begins. */
function formsOf(secret: string): readonly string[] {
  const encoded = [0, 1, 2].map((before) => {
    const bytes = Buffer.from('.'.repeat(before) + secret);
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)];
    return bytes.toString('base64').slice(from, to);
  });
  return [secret, ...encoded];
}

function leaks(secrets: readonly string[], places: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    foundIn(secrets, text).map((secret) => `${secret} in ${place}: ${excerpt(text, secret)}`),
  );
}

function excerpt(text: string, secret: string): string {
  const at = text.indexOf(secret);
  return text.slice(Math.max(0, at - 200), at + 100);
}

async function readAll(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [path.slice(folder.length + 1), await readFile(path, 'latin1')] as const;
      }),
    ),
  );
}
