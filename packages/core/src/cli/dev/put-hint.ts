/** The command line that sends records to a stream, ready to be copied into a POSIX shell. */

export interface PutHint {
  readonly command: string;
  readonly stream: string;
  readonly endpoint: string;
  readonly region: string | undefined;
}

const PATTERN = '{"id":"{{n}}"}';

export function putCommand({ command, stream, endpoint, region }: PutHint): string {
  const place = ['--endpoint', endpoint, ...(region === undefined ? [] : ['--region', region])];
  const words = ['put', stream, ...place, '--pattern', PATTERN, '--count', '10'];
  return [command, ...words.map(quoteForShell)].join(' ');
}

function quoteForShell(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
