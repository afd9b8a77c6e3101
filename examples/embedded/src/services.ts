/** The application's own container, as it was before there was a stream. */
import { asClass, createContainer, type AwilixContainer } from 'awilix';
import { Parcels } from './parcels.js';

export interface Services {
  readonly parcels: Parcels;
}

export function createServices(): AwilixContainer<Services> {
  return createContainer<Services>({ strict: true }).register({ parcels: asClass(Parcels).singleton() });
}
