import { describe, expect, it } from 'vitest';
import { isMillraceError } from '../errors.js';
import { encodeMessage } from './encoder.js';
import type { Action, Position } from './messages.js';

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

describe('encodeMessage', () => {
  it.each<Action>(['initialize', 'processRecords', 'shutdownRequested', 'leaseLost', 'shardEnded'])(
    'writes the status of %s between line feeds',
    (responseFor) => {
      expect(textOf(encodeMessage({ kind: 'status', responseFor }))).toBe(
        `\n{"action":"status","responseFor":"${responseFor}"}\n`,
      );
    },
  );

  it('writes both numbers of a position, the sequence number as text', () => {
    const target = { sequenceNumber: '49680472822785406503947250856611970033281563257059934210', subSequenceNumber: 2 };

    expect(textOf(encodeMessage({ kind: 'checkpoint', target }))).toBe(
      '\n{"action":"checkpoint","sequenceNumber":"49680472822785406503947250856611970033281563257059934210","subSequenceNumber":2}\n',
    );
  });

  it('writes the end of the shard without arguments', () => {
    expect(textOf(encodeMessage({ kind: 'checkpoint', target: 'SHARD_END' }))).toBe('\n{"action":"checkpoint"}\n');
  });

  it('adds nothing, whatever else the objects hold', () => {
    const target: Position = Object.assign({ sequenceNumber: '1', subSequenceNumber: 0 }, { data: 'secret' });

    expect(textOf(encodeMessage({ kind: 'checkpoint', target }))).toBe(
      '\n{"action":"checkpoint","sequenceNumber":"1","subSequenceNumber":0}\n',
    );
  });

  it.each<Position>([
    { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 },
    { sequenceNumber: '', subSequenceNumber: 0 },
    { sequenceNumber: '1"}', subSequenceNumber: 0 },
    { sequenceNumber: '1', subSequenceNumber: -1 },
    { sequenceNumber: '1', subSequenceNumber: Number.NaN },
    { sequenceNumber: '1', subSequenceNumber: 1e21 },
  ])('refuses the target %j', (target) => {
    let thrown: unknown;
    try {
      encodeMessage({ kind: 'checkpoint', target });
    } catch (error) {
      thrown = error;
    }
    expect(isMillraceError(thrown, 'CHECKPOINT_REJECTED')).toBe(true);
    expect(thrown).toMatchObject({
      message: 'A checkpoint needs a decimal sequence number and a whole sub-sequence number of 0 or more.',
      details: target,
    });
  });
});
