/** Texts of the command line to values; what cannot be read is a usage error that commander words with the option's name. */
import { InvalidArgumentError } from 'commander';

export function readCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('Give a whole number of at least 1.');
  }
  return value;
}

export function readRate(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0)
    throw new InvalidArgumentError('Give records per second, more than 0.');
  return value;
}

export function readEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('Give a URL, for example http://127.0.0.1:4568.');
  }
  return text;
}
