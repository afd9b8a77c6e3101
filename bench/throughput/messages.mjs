/**
 * Deliveries as the daemon writes them, byte for byte: the order of its fields, no blanks, padded base64, one line feed. They
 * are made once; between two sends only the last digits of the sequence numbers are written anew, because a position that was
 * delivered before is no new record.
 */
import { randomBytes } from 'node:crypto';

/** By name: how many records a delivery has, and how many bytes each. */
export const SIZES = {
  '1000x100B': { records: 1_000, bytes: 100, slot: 24, warmUp: 400 },
  '10000x100B': { records: 10_000, bytes: 100, slot: 3, warmUp: 40 },
  '1000x1KB': { records: 1_000, bytes: 1_024, slot: 9, warmUp: 150 },
  '500x10KB': { records: 500, bytes: 10_240, slot: 3, warmUp: 50 },
  '10x1MB': { records: 10, bytes: 1_000_000, slot: 2, warmUp: 24 },
};

const DISTINCT = 3;
const SHARD = 'shardId-000000000000';
/** 56 digits, of which the last ten count. */
const SEQUENCE_HEAD = '4968047282278540650394725085661197003328156325';
const COUNTED_DIGITS = 10;

export const INITIALIZE = line({
  action: 'initialize',
  shardId: SHARD,
  sequenceNumber: 'TRIM_HORIZON',
  subSequenceNumber: 0,
});
export const LEASE_LOST = line({ action: 'leaseLost' });
export const SHARD_ENDED = line({ action: 'shardEnded' });

export const checkpointAnswer = ({ sequenceNumber, subSequenceNumber = null }) =>
  line({ action: 'checkpoint', sequenceNumber, subSequenceNumber, error: null });

function line(message) {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}

/** A few deliveries of one size, sent in turn. `payload` makes the bytes of one record; random ones by default. */
export class Deliveries {
  made;
  sent = 0;

  constructor({ records, bytes }, payload = () => randomBytes(bytes)) {
    this.records = records;
    this.made = Array.from({ length: DISTINCT }, () => make(records, payload));
  }

  /** The next delivery: its line, its last sequence number, and what a handler has to have seen of it. */
  next() {
    const made = this.made[this.sent % DISTINCT];
    const first = this.sent * this.records;
    this.sent += 1;
    let counted = '';
    for (let index = 0; index < this.records; index += 1) {
      counted = String(first + index).padStart(COUNTED_DIGITS, '0');
      made.line.latin1Write(counted, made.counters[index]);
    }
    return { line: made.line, last: SEQUENCE_HEAD + counted, bytes: made.bytes, sum: made.sum };
  }
}

function make(records, payload) {
  const arrived = 1_795_387_075_691;
  const payloads = Array.from({ length: records }, (_, index) => payload(index));
  const made = line({
    action: 'processRecords',
    records: payloads.map((data, index) => ({
      data: data.toString('base64'),
      partitionKey: `user-${index}`,
      sequenceNumber: SEQUENCE_HEAD + '0'.repeat(COUNTED_DIGITS),
      approximateArrivalTimestamp: arrived + index,
      subSequenceNumber: 0,
      action: 'record',
    })),
    millisBehindLatest: 0,
  });
  const counters = [];
  const mark = `"sequenceNumber":"${SEQUENCE_HEAD}`;
  for (let at = made.indexOf(mark); at !== -1; at = made.indexOf(mark, at + 1)) counters.push(at + mark.length);
  const bytes = payloads.reduce((sum, data) => sum + data.length, 0);
  // A handler looks at both ends of every payload: whoever hands out wrong bytes is found out.
  const sum = payloads.reduce((total, data) => total + data[0] + data[data.length - 1], 0);
  return { line: made, counters, bytes, sum };
}
