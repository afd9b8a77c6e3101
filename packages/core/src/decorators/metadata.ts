/** What compilers record about classes and their members, by the package `reflect-metadata`. */
import { require } from '../common-js.js';

/** The part of the package that is used here; it adds these to the global object. */
interface RecordedMetadata {
  getOwnMetadata(key: string, target: object, member?: string | symbol): unknown;
  hasOwnMetadata(key: string, target: object): boolean;
  defineMetadata(key: string, value: unknown, target: object): void;
}

// It has to be there before the user's classes are.
require('reflect-metadata');

export const metadata = Reflect as typeof Reflect & RecordedMetadata;
