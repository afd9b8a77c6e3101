// A record of the Kinesis Producer Library: magic number, protobuf message, MD5.
import { createHash } from 'node:crypto';

const MAGIC = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);

/** Payloads of at most 100 bytes, so that every length is one byte. */
export function aggregate(partitionKey, payloads) {
  const records = payloads.flatMap((payload) => field(3, Buffer.concat([Buffer.from([0x08, 0]), field(3, payload)])));
  const message = Buffer.concat([field(1, Buffer.from(partitionKey)), ...records]);
  return Buffer.concat([MAGIC, message, createHash('md5').update(message).digest()]);
}

function field(number, bytes) {
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}
