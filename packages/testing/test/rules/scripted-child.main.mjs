// The scripted child as a process: `scripted-child.main.mjs <folder> [<shard>]`. The folder has `<shard>.scripts.json`, a list
// with a script for each life; gates are files; what it notes goes into `<shard>.<life>.jsonl`. Without a name the shard is
// called by its id.
import { appendFileSync, existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { scriptedChild } from './scripted-child.mjs';

const GATE_POLL_MS = 10;
const [folder, shard] = process.argv.slice(2);
let notes;

const child = scriptedChild({
  write: (line) => writeSync(1, `\n${line}\n`),
  note: (note) => {
    // The first line says whose notes these are.
    notes ??= openNotes(shard ?? JSON.parse(note.line).shardId);
    appendFileSync(notes, `${JSON.stringify(note)}\n`);
  },
  gate: async (name) => {
    while (!existsSync(`${folder}/${name}.gate`)) await sleep(GATE_POLL_MS);
  },
  pause: (ms) => sleep(ms),
  die: () => process.kill(process.pid, 'SIGKILL'),
  scriptOf: (shardId) => {
    const file = `${folder}/${shard ?? shardId}.scripts.json`;
    const scripts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
    return scripts[lifeOf(notes)] ?? {};
  },
});

function openNotes(name) {
  for (let life = 0; ; life += 1) {
    const file = `${folder}/${name}.${life}.jsonl`;
    if (existsSync(file)) continue;
    writeFileSync(file, '', { flag: 'wx' });
    return file;
  }
}

function lifeOf(file) {
  return Number(file.split('.').at(-2));
}

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) child.read(line);
});
process.stdin.on('end', () => {
  child.end();
  // Whatever it holds or waits for.
  process.exit(0);
});
