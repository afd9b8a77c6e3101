import type { Scan } from './scan.js';

/** Where every parcel was seen last. The consumer writes it, the web server reads it. */
export class Parcels {
  readonly #lastSeen = new Map<string, Scan>();

  /** Older news does not count, so a scan that is delivered again after a crash changes nothing. */
  seen(scan: Scan): void {
    const last = this.#lastSeen.get(scan.parcel);
    if (last === undefined || Date.parse(last.at) <= Date.parse(scan.at)) this.#lastSeen.set(scan.parcel, scan);
  }

  find(parcel: string): Scan | undefined {
    return this.#lastSeen.get(parcel);
  }
}
