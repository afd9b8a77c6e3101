/** The orders of the demonstration: the same at every run, two of them poison. */
import type { OrderPlaced } from '../order-placed.js';

export interface Sample {
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

const CUSTOMERS = 50;
/** The first poison comes early, so that a short run has it, too. */
const TORN_JSON = 7;
const NO_QUANTITY = 11;

export function sampleOrder(index: number): Sample {
  const customer = `customer-${index % CUSTOMERS}@example.com`;
  const quantity = index === NO_QUANTITY ? 0 : 1 + (index % 5);
  const order: OrderPlaced = { orderId: `order-${index}`, customer, lines: [{ sku: `sku-${index % 9}`, quantity }] };
  const json = JSON.stringify(order);
  return { partitionKey: customer, data: Buffer.from(index === TORN_JSON ? json.slice(0, -10) : json) };
}
