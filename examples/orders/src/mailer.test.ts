import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Mailer, type Mail } from './mailer.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const mail = (recordId: string): Mail => ({ kind: 'confirmation', recordId, orderId: 'o-1', to: 'ann@example.com' });

it('writes each mail as a line, whoever sends at the same time, and goes on after a restart', async () => {
  const path = join(folder, 'mails.jsonl');
  const first = new Mailer(path);
  await Promise.all([first.send(mail('a')), first.send(mail('b'))]);
  await first.dispose();
  const second = new Mailer(path);
  await second.send(mail('c'));
  await second.dispose();

  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');

  expect(lines.map((line) => JSON.parse(line))).toEqual([mail('a'), mail('b'), mail('c')]);
});

it('says when a mail cannot be sent', async () => {
  await expect(new Mailer(join(folder, 'no', 'such', 'folder')).send(mail('a'))).rejects.toThrow('ENOENT');
});
