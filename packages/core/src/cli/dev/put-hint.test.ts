import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { putCommand } from './put-hint.js';

const words = (line: string): string[] =>
  JSON.parse(
    execFileSync(
      'sh',
      ['-c', `millrace() { node -e 'console.log(JSON.stringify(process.argv.slice(1)))' -- "$@"; }; ${line}`],
      { encoding: 'utf8' },
    ),
  ) as string[];

it('reaches the command as it was meant, through a real shell', () => {
  const line = putCommand({
    command: 'millrace',
    stream: "it's $HOME",
    endpoint: 'http://127.0.0.1:4568',
    region: 'eu-west-1',
  });
  expect(words(line)).toEqual([
    'put',
    "it's $HOME",
    '--endpoint',
    'http://127.0.0.1:4568',
    '--region',
    'eu-west-1',
    '--pattern',
    '{"id":"{{n}}"}',
    '--count',
    '10',
  ]);
});
