/** What the policy of a record's handler says of an error. */
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Handler, RetryPolicy } from '../definition/definition.js';
import { toError } from '../errors.js';
import { judge, type Judged } from '../policy/overrides.js';
import type { Reporter } from './reporter.js';

interface Parts {
  readonly consumer: ResolvedConsumer;
  readonly report: Reporter;
}

export function policyOf({ consumer }: Pick<Parts, 'consumer'>, handler: Handler | undefined): RetryPolicy {
  return handler?.retry ?? consumer.definition.retry;
}

export function judgementOf(parts: Parts, handler: Handler | undefined, error: Error): Judged {
  return judge(policyOf(parts, handler), error, (thrown) =>
    parts.report.log.error(
      { err: toError(thrown) },
      'A function in the overrides of the retry policy threw; the override does not count.',
    ),
  );
}
