/** Lanes: what may be said about them, and what cannot stand beside them. */
import {
  type At,
  checkChoice,
  checkNumber,
  checkOptions,
  IN_FLIGHT_MAX,
  inside,
  type PlainOptions,
} from './check-values.js';
import { type DeclaredConsumer, handlerPlace } from './declared.js';
import type { Concurrency, Handler, OptionsSource } from './definition.js';
import { type Issues, show } from './issues.js';

const LANES_MAX = 10_000;

export function checkConcurrency(
  { concurrency: value, handlers }: DeclaredConsumer,
  consumerOptions: PlainOptions | undefined,
  at: At,
): Concurrency | undefined {
  if (value === undefined) return undefined;
  const options = checkOptions(value, ['perShard', 'by', 'maxInFlight'], at);
  if (options === undefined) return undefined;
  const perShard = checkNumber(
    options['perShard'],
    { min: 1, max: LANES_MAX, integer: true },
    { ...at, name: 'perShard' },
  );
  if (options['perShard'] === undefined)
    at.issues.add(
      'BAD_VALUE',
      at.place,
      'perShard is missing. Say how many handlers of a shard run at once, for example { perShard: 16 }.',
    );
  checkMaxInFlight(options['maxInFlight'], { perShard, consumerOptions }, at);
  if (handlers.some(({ kind }) => kind === 'window'))
    at.issues.add(
      'OPTIONS_EXCLUDE',
      at.place,
      'lanes run single records beside each other, and a window takes them one after the other into one state. Remove one of them.',
    );
  if (handlers.some(({ kind }) => kind === 'batch'))
    at.issues.add(
      'OPTIONS_EXCLUDE',
      at.place,
      'lanes run single records beside each other, and a batch handler takes many at once. Use a record handler, or run the items of a batch beside each other yourself.',
    );
  return Object.freeze({ perShard: perShard ?? 1, by: checkBy(options['by'], at) });
}

function checkBy(by: unknown, at: At): Concurrency['by'] {
  if (typeof by === 'function') return by as Concurrency['by'];
  checkChoice(by, ['partitionKey'], { ...at, name: 'by' });
  return 'partitionKey';
}

interface InFlightFacts {
  readonly perShard: number | undefined;
  readonly consumerOptions: PlainOptions | undefined;
}

function checkMaxInFlight(value: unknown, { perShard, consumerOptions }: InFlightFacts, at: At): void {
  const rule = { min: 1, max: IN_FLIGHT_MAX, integer: true };
  const maxInFlight = checkNumber(value, rule, { ...at, name: 'maxInFlight' });
  if (maxInFlight === undefined) return;
  const { place } = inside(at, 'maxInFlight');
  if (perShard !== undefined && maxInFlight < perShard)
    at.issues.add(
      'BAD_VALUE',
      place,
      `maxInFlight (${maxInFlight}) is less than perShard (${perShard}), so ${perShard} handlers can never run at once. Raise it: it also counts what has run and waits for an earlier record.`,
    );
  if (consumerOptions?.['maxInFlight'] !== undefined)
    at.issues.add(
      'OPTIONS_EXCLUDE',
      place,
      `maxInFlight also stands in the consumer's options (${show(consumerOptions['maxInFlight'])}). Remove one of them.`,
    );
}

/** A key that orders nothing would be a promise that nobody keeps. */
export function checkLaneKeys(handlers: readonly Handler[], declared: DeclaredConsumer, issues: Issues): void {
  if (declared.concurrency !== undefined) return;
  for (const handler of handlers) {
    if (handler.kind !== 'record' || handler.key === undefined) continue;
    const place = handlerPlace(declared, handler);
    issues.add(
      'OPTIONS_EXCLUDE',
      { ...place, path: [...place.path, 'key'] },
      `key orders lanes, and this consumer has none: its records run one after the other. Add ${declared.words.concurrency}, or remove key.`,
    );
  }
}

/** It is the consumer's option, said where it belongs; variables and `run()` override it as any other. */
export function withMaxInFlight(options: OptionsSource, concurrency: unknown): OptionsSource {
  const maxInFlight = (concurrency as { readonly maxInFlight?: number } | undefined)?.maxInFlight;
  if (maxInFlight === undefined) return options;
  if (options.kind === 'fixed')
    return Object.freeze({ kind: 'fixed', options: Object.freeze({ ...options.options, maxInFlight }) });
  return Object.freeze({ kind: 'environment', options: (env) => ({ maxInFlight, ...options.options(env) }) });
}
