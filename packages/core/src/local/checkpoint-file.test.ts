import { describe, expect, it } from 'vitest';
import type { CheckpointTarget } from '../protocol/messages.js';
import { formatCheckpointFile, parseCheckpointFile } from './checkpoint-file.js';

const file = {
  applicationName: 'mailer "x"',
  stream: 'orders',
  checkpoints: new Map<string, CheckpointTarget>([
    [
      'shardId-000000000001',
      { sequenceNumber: '49680472822785406503947250856611970033281563257059934210', subSequenceNumber: 3 },
    ],
    ['shardId-000000000000', 'SHARD_END'],
    ['shardId-000000000002', { sequenceNumber: 'LATEST', subSequenceNumber: 0 }],
  ]),
};
const changed = (change: object) =>
  JSON.stringify({ ...(JSON.parse(formatCheckpointFile(file)) as object), ...change });

describe('a checkpoint file', () => {
  it('is read back as it was written, with every digit', () => {
    expect(parseCheckpointFile(formatCheckpointFile(file))).toEqual({ kind: 'ok', file });
  });

  it('may be empty of checkpoints', () => {
    const empty = { ...file, checkpoints: new Map() };
    expect(parseCheckpointFile(formatCheckpointFile(empty))).toEqual({ kind: 'ok', file: empty });
  });

  it('has one line a shard, in order', () => {
    const lines = formatCheckpointFile(file)
      .split('\n')
      .filter((line) => line.includes('shardId'));
    expect(lines[0]).toBe('    "shardId-000000000000": "SHARD_END",');
    expect(lines).toHaveLength(3);
  });

  it('of a newer version is not guessed at', () => {
    expect(parseCheckpointFile(changed({ version: 2 }))).toEqual({ kind: 'newer', version: 2 });
  });

  it.each([
    ['nothing', ''],
    ['a torn file', formatCheckpointFile(file).slice(0, 150)],
    ['an array', '[]'],
    ['null', 'null'],
    ['some other JSON', '{"name":"x"}'],
    ['no version', changed({ version: null })],
    ['no stream', changed({ stream: 1 })],
    ['no application', changed({ applicationName: undefined })],
    ['no checkpoints', changed({ checkpoints: [] })],
    ['a number where a position belongs', changed({ checkpoints: { s: 1 } })],
    [
      'a sequence number that lost its digits',
      changed({ checkpoints: { s: { sequenceNumber: 4.9e55, subSequenceNumber: 0 } } }),
    ],
    [
      'a sequence number that is none',
      changed({ checkpoints: { s: { sequenceNumber: 'abc', subSequenceNumber: 0 } } }),
    ],
    ['a negative sub-sequence number', changed({ checkpoints: { s: { sequenceNumber: '1', subSequenceNumber: -1 } } })],
    ['no sub-sequence number', changed({ checkpoints: { s: { sequenceNumber: '1' } } })],
  ])('with %s is corrupt', (_, text) => {
    expect(parseCheckpointFile(text)).toMatchObject({ kind: 'corrupt' });
  });
});
