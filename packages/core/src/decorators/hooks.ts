/** The life cycle of a shard lease. Each class declares a hook once; a subclass's own one replaces the inherited. */
import type { ShardContext, ShutdownContext } from '../definition/context.js';
import type { HookName } from '../definition/definition.js';
import type { MethodDecoratorFor } from './decorator-types.js';
import { type DecoratorArguments, recordOnMember } from './store.js';

export type ShardHookDecorator = MethodDecoratorFor<(context: ShardContext) => unknown>;

/** The method runs before the first record of a lease. While it fails it is tried again, and no record is taken. */
export function OnInitialize(): ShardHookDecorator {
  return hook('@OnInitialize', 'initialize');
}

/** The method runs after the last record of a shard that was split or merged; the shard ends when it has succeeded. */
export function OnShardEnd(): ShardHookDecorator {
  return hook('@OnShardEnd', 'shardEnd');
}

/** The method runs when another worker owns the shard: nothing can be checkpointed any more. It has 5 s. */
export function OnLeaseLost(): ShardHookDecorator {
  return hook('@OnLeaseLost', 'leaseLost');
}

/** The method runs before the shard is given away or the worker stops; `context.reason` says which. */
export function OnShutdownRequested(): MethodDecoratorFor<(context: ShutdownContext) => unknown> {
  return hook('@OnShutdownRequested', 'shutdownRequested');
}

function hook(decorator: string, name: HookName) {
  return (...target: DecoratorArguments): void =>
    recordOnMember(decorator, target, (member) => ({ kind: 'hook', hook: name, member }));
}
