import { DeadLetter, file, KinesisConsumer, OnRecord } from '@millrace/core';
import type { Parcels } from './parcels.js';
import { Scan } from './scan.js';
import type { Services } from './services.js';

/** Built by awilix, which injects by name into one object. */
@KinesisConsumer('scans', 'parcel-tracker')
@DeadLetter(file({ directory: './parked' }))
export class ParcelTracker {
  readonly #parcels: Parcels;

  constructor({ parcels }: Services) {
    this.#parcels = parcels;
  }

  @OnRecord({ schema: Scan })
  scanned(scan: Scan): void {
    this.#parcels.seen(scan);
  }
}
