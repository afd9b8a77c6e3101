import { records, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { expect, it } from 'vitest';
import { awilixPort } from './awilix-port.js';
import { ParcelTracker } from './parcel-tracker.js';
import type { Scan } from './scan.js';
import { createServices } from './services.js';

const scan = records.json<Scan>({ key: ({ parcel }) => parcel });

it('writes scans to where the web server reads them, with the services of the application', async () => {
  const services = createServices();
  await using bed = await testBed(ParcelTracker, { container: awilixPort(services) });

  const [record, broken] = bed
    .shard()
    .deliver(scan({ parcel: 'p-1', place: 'Berlin', at: '2026-01-02T10:00:00Z' }), records.of({ parcel: 'p-2' }));
  await bed.idle();

  expect(services.cradle.parcels.find('p-1')).toMatchObject({ place: 'Berlin' });
  expect(bed).toHaveHandled(record);
  expect(bed).toHaveParked(broken, { reason: 'VALIDATION_FAILED' });
});
