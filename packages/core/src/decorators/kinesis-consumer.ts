/** `@KinesisConsumer` makes a class a consumer. */
import type { ConsumerOptionsSource } from '../definition/consumer-options.js';
import type { ClassDecoratorFor } from './decorator-types.js';
import { isStandardContext, recordOnClass, standardDecorators } from './store.js';

/**
 * The class consumes this stream; one instance of it serves each shard lease, made by the container.
 *
 * @param stream - the name of the Kinesis stream.
 * @param applicationName - names the DynamoDB lease table: workers with the same name share the shards.
 * @param options - typed KCL properties and ours, or a function of the environment that is evaluated once, at start.
 */
export function KinesisConsumer(
  stream: string,
  applicationName: string,
  options?: ConsumerOptionsSource,
): ClassDecoratorFor {
  return (target: object, context?: unknown) => {
    if (isStandardContext(context)) throw standardDecorators('@KinesisConsumer', context);
    recordOnClass('@KinesisConsumer', target, { kind: 'consumer', stream, applicationName, options });
  };
}
