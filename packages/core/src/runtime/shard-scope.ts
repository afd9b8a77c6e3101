/** The lease's own scope and consumer instance: opened inside `initialize`, disposed when the lease ends. */
import type { InstanceSource } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import type { Clock, ContainerPort, Scope, ShardFacts } from '../ports.js';
import { atMost } from './race.js';

/** Disposal is bounded: the daemon gives a lost lease about as long. */
const DISPOSE_MS = 5_000;

export interface OpenScope {
  readonly scope: Scope;
  readonly instance: object;
}

export interface ScopeRequest {
  readonly container: ContainerPort;
  readonly facts: ShardFacts;
  readonly source: InstanceSource;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Aborts when the session ends: nobody needs the scope any more. */
  readonly over: AbortSignal;
}

/** Opens the scope and makes the instance; whatever fails on the way is disposed again. */
export async function openShardScope(request: ScopeRequest): Promise<OpenScope> {
  const { container, facts, clock, timeoutMs, over } = request;
  const patience = { clock, limitMs: timeoutMs, giveUp: over };
  const opening = container.openScope(facts);
  const opened = await atMost(opening, patience);
  if (opened.kind === 'aborted') {
    // A scope that comes after all must not stay open behind our back.
    opening.then((scope) => scope.dispose()).catch(() => undefined);
    throw new MillraceError('SCOPE_FAILED', `The container did not open a scope within ${timeoutMs} ms.`);
  }
  const scope = opened.value;
  try {
    const made = await atMost(makeInstance(request.source, scope), patience);
    if (made.kind === 'done') return { scope, instance: made.value };
    throw new MillraceError('SCOPE_FAILED', `The consumer was not constructed within ${timeoutMs} ms.`);
  } catch (error) {
    await closeShardScope(scope, clock);
    throw error;
  }
}

/** Disposes within a bound; the error it ended with, or undefined. */
export async function closeShardScope(scope: Scope, clock: Clock): Promise<Error | undefined> {
  try {
    const closed = await atMost(scope.dispose(), { clock, limitMs: DISPOSE_MS });
    return closed.kind === 'done'
      ? undefined
      : new MillraceError('SCOPE_FAILED', `The shard's scope was not disposed within ${DISPOSE_MS} ms.`);
  } catch (error) {
    return toError(error);
  }
}

async function makeInstance(source: InstanceSource, scope: Scope): Promise<object> {
  switch (source.kind) {
    case 'class':
      return scope.resolve<object>(source.target);
    case 'factory':
      return source.create(scope);
    default:
      return source satisfies never;
  }
}
