/** A sensor's reading: the message that the sensors send, and what a reading has to be to mean something. */
import protobuf from 'protobufjs';
import { z } from 'zod';

const message = protobuf
  .parse(
    `syntax = "proto3";
     message Reading {
       string sensor_id = 1;
       double celsius = 2;
       int64 taken_at_ms = 3;
     }`,
  )
  .root.lookupType('Reading');

/** proto3 knows no required fields: bytes of another message often decode to an empty reading, which this refuses. */
export const Reading = z.object({
  sensorId: z.string().min(1),
  celsius: z.number().min(-273.15),
  /** Milliseconds since the epoch. */
  takenAtMs: z.int().positive(),
});
export type Reading = z.infer<typeof Reading>;

/** For `decode`: what it throws parks the record with its bytes. */
export function decodeReading(bytes: Uint8Array): unknown {
  // Default values are left out of the bytes: 0 degrees has to come back.
  return message.toObject(message.decode(bytes), { longs: Number, defaults: true });
}

export function encodeReading(reading: Reading): Uint8Array {
  return message.encode(message.fromObject(reading)).finish();
}
