import { describe, expect, it } from 'vitest';
import { resolveConsumer } from './config/resolve.js';
import { defineConsumer, recordHandler, windowHandler } from './definition/define-consumer.js';
import { refuseLongWindows } from './window-retention.js';

const HOUR_MS = 3_600_000;

function consumerOf(everyMs: number | undefined) {
  const nothing = (): void => undefined;
  const handler =
    everyMs === undefined
      ? recordHandler({ name: 'each', handle: nothing })
      : windowHandler({ name: 'totals', everyMs, state: () => 0, handle: nothing, emit: nothing });
  const definition = defineConsumer({
    name: 'Totals',
    stream: 'orders',
    applicationName: 'totals',
    handlers: [handler],
  });
  return resolveConsumer(definition, { env: {}, engine: 'local' });
}

describe('a window against the retention of its stream', () => {
  it('is refused when it is longer than a quarter of it, with what would fit', () => {
    expect(() => refuseLongWindows(consumerOf(6 * HOUR_MS + 1), 24 * HOUR_MS)).toThrow(
      /Totals\.totals: a window of 21600001 ms is longer than a quarter .* "orders" keeps \(24 h\).*everyMs: 21600000 at most/,
    );
  });

  it.each([
    [6 * HOUR_MS, 24 * HOUR_MS],
    [12 * HOUR_MS, 48 * HOUR_MS],
    [12 * HOUR_MS, undefined],
    [undefined, HOUR_MS],
  ])('of %s ms passes with %s ms', (everyMs, retentionMs) => {
    expect(() => refuseLongWindows(consumerOf(everyMs), retentionMs)).not.toThrow();
  });
});
