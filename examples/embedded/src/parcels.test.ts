import { expect, it } from 'vitest';
import { Parcels } from './parcels.js';

const scan = (place: string, at: string) => ({ parcel: 'p-1', place, at });

it('keeps the latest scan of a parcel, in whatever order they come', () => {
  const parcels = new Parcels();

  parcels.seen(scan('Berlin', '2026-01-02T10:00:00Z'));
  parcels.seen(scan('Hamburg', '2026-01-01T10:00:00Z'));

  expect(parcels.find('p-1')).toEqual(scan('Berlin', '2026-01-02T10:00:00Z'));
  expect(parcels.find('p-2')).toBeUndefined();
});
