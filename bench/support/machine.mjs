/** Where and of what a measurement is. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';

export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    cores: availableParallelism(),
    gigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}
