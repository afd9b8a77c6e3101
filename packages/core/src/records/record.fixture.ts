import type { WireRecord } from '../protocol/messages.js';
import { viewRecord } from './record-view.js';

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export function wireRecord(data: Uint8Array | string, parts: Partial<WireRecord> = {}): WireRecord {
  return {
    sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
    subSequenceNumber: 0,
    partitionKey: 'customer-7',
    approximateArrivalTimestamp: 1_500_000_000_000,
    data: typeof data === 'string' ? bytesOf(data) : data,
    ...parts,
  };
}

export const textRecord = (text: string) => viewRecord(wireRecord(text), 'shardId-000000000000');
export const jsonRecord = (value: unknown) => textRecord(JSON.stringify(value));
export const bytesRecord = (...bytes: number[]) =>
  viewRecord(wireRecord(Uint8Array.from(bytes)), 'shardId-000000000000');
