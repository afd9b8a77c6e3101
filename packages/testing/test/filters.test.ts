/** Records that a filter leaves out: settled, seen, and never handed to a handler. */
import { defineConsumer, recordHandler } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { handler } from '../src/handler.js';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';
import '../src/vitest.js';

const seen: unknown[] = [];
const large = defineConsumer({
  name: 'Large',
  stream: 'orders',
  applicationName: 'large',
  filter: { data: { total: [{ numeric: ['>', 100] }] } },
  handlers: [recordHandler({ name: 'placed', handle: (order) => void seen.push(order) })],
});

describe('a filter in a test bed', () => {
  it('leaves records out, and the checkpoint covers them', async () => {
    await using bed = await testBed(large);

    const [small, big, last] = bed
      .shard()
      .deliver(records.of({ total: 5 }), records.of({ total: 500 }), records.of({ total: 7 }));
    await bed.idle();

    expect(seen).toEqual([{ total: 500 }]);
    expect(bed).toHaveFiltered(small, last);
    expect(bed).toHaveHandled(big);
    expect(bed).not.toHaveFiltered(big);
    expect(bed).toHaveCheckpointed(last);
    expect(bed).toHaveLostNothing();
  });

  it('is what handler().run() says', async () => {
    expect(await handler(large, 'placed').run({ total: 5 })).toMatchObject({ kind: 'filtered', error: undefined });
    expect(await handler(large, 'placed').run({ total: 101 })).toMatchObject({ kind: 'handled' });
  });
});
