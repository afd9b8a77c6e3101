import { describe, expect, it } from 'vitest';
import { heapMegabytes, type HeapRequest } from './heap-size.js';

const GIB = 1024 ** 3;
const heap = (more: Partial<HeapRequest>) =>
  heapMegabytes({
    shards: 1,
    maxLeases: undefined,
    maxRecords: 1000,
    requested: undefined,
    memoryLimitBytes: 64 * GIB,
    ...more,
  });

describe('the heap of the daemon', () => {
  it.each([
    [0, 256],
    [1, 256],
    [2, 342],
    [4, 470],
    [16, 1240],
    [64, 4320],
  ])('for %i shards is %i MB', (shards, megabytes) => {
    expect(heap({ shards })).toBe(megabytes);
  });

  it('counts no more shards than the worker may lease', () => {
    expect(heap({ shards: 64, maxLeases: 4 })).toBe(heap({ shards: 4 }));
  });

  it('is smaller where a batch can only be small', () => {
    expect(heap({ shards: 16, maxRecords: 1 })).toBe(256);
    expect(heap({ shards: 16, maxRecords: 5 })).toBeLessThan(heap({ shards: 16, maxRecords: 10 }));
    expect(heap({ shards: 16, maxRecords: 10 })).toBe(heap({ shards: 16, maxRecords: 10_000 }));
  });

  it('leaves 40 % of the memory to everything else', () => {
    expect(heap({ shards: 64, memoryLimitBytes: GIB })).toBe(614);
    expect(heap({ shards: 1, memoryLimitBytes: GIB / 4 })).toBe(153);
  });

  it('is what the user asks for, smaller or larger', () => {
    expect(heap({ requested: 96 })).toBe(96);
    expect(heap({ requested: 4096, memoryLimitBytes: GIB })).toBe(4096);
  });
});
