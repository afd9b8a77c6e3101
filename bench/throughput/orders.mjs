/** Records of JSON for the cost of validation: one order of some 170 bytes each. */
export const ORDERS = { records: 1_000, bytes: 170, slot: 12, warmUp: 250 };

export function orderPayload(index) {
  const order = {
    id: `0b8f7a1e-6c1d-4f9a-8f43-${String(index).padStart(12, '0')}`,
    userId: index,
    email: `user-${index}@example.com`,
    type: index % 2 === 0 ? 'placed' : 'cancelled',
    amount: index * 1.25,
    at: '2026-11-26T10:00:00.000Z',
  };
  return Buffer.from(JSON.stringify(order));
}
