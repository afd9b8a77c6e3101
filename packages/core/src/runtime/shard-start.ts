/**
 * Everything before the first record: the pipeline, the scope, the instance, `@OnInitialize`. A failure never fails the
 * daemon's `initialize` (that would end every shard of the worker): it is tried again inside the open action.
 */
import { MillraceError, toError } from '../errors.js';
import { classify } from '../policy/classify.js';
import { backoffMs } from '../policy/retry.js';
import type { ShardFacts } from '../ports.js';
import { compilePipeline, type Pipeline } from '../records/pipeline.js';
import { bindCalls, type Invoke } from './bind-calls.js';
import { bindSinks } from './bind-sinks.js';
import type { Holds } from './holds.js';
import { runHook } from './hooks.js';
import { atMost, sleepUntilAborted, whenAborted } from './race.js';
import type { Reporter } from './reporter.js';
import type { ShardRunnerOptions } from './runner-options.js';
import type { OpenSinks } from './session-parts.js';
import type { SessionLife } from './session-life.js';
import { closeShardScope, openShardScope, type OpenScope } from './shard-scope.js';

export type StartedShard = OpenScope & {
  readonly pipeline: Pipeline;
  readonly sinks: OpenSinks;
  readonly invoke: Invoke;
};

export type ShardStartOptions = ShardRunnerOptions & {
  readonly facts: ShardFacts;
  readonly life: SessionLife;
  readonly report: Reporter;
  readonly holds: Holds;
};

export class ShardStart {
  readonly #options: ShardStartOptions;

  constructor(options: ShardStartOptions) {
    this.#options = options;
  }

  /** Undefined when the session ended before the consumer could start. */
  async start(): Promise<StartedShard | undefined> {
    const { life, holds, ports, consumer, report, requestStop } = this.#options;
    const { retry } = consumer.definition;
    for (let tries = 1; life.accepting; tries += 1) {
      try {
        const started = await this.#try();
        holds.release();
        return started;
      } catch (thrown) {
        // What the end of the session has cut short is no failure of the consumer.
        if (life.over.aborted) return undefined;
        const error = toError(thrown);
        report.log.error({ err: error, tries }, 'The consumer did not start on this shard.');
        const { kind } = classify(error);
        if (kind === 'stopWorker') requestStop(error);
        if (tries >= retry.attempts || kind !== 'retryable')
          holds.hold(undefined, `the consumer did not start: ${error.message}`, error);
        if (kind === 'retryable')
          await sleepUntilAborted(ports.clock, backoffMs(retry, tries, ports.random), life.intake);
        else await whenAborted(life.intake);
      }
    }
    return undefined;
  }

  async #try(): Promise<StartedShard> {
    const { consumer, container, facts, ports, life } = this.#options;
    const { clock } = ports;
    const { over } = life;
    const { definition, settings } = consumer;
    const { timeoutMs } = definition.retry;
    const pipeline = await compilePipeline(definition, settings);
    const open = await openShardScope({ container, facts, source: definition.instance, clock, timeoutMs, over });
    try {
      const patience = { clock, limitMs: timeoutMs, giveUp: over };
      const bound = await atMost(bindSinks(definition, this.#options.sinks, open.scope), patience);
      if (bound.kind === 'aborted')
        throw new MillraceError('SINK_FAILED', `The token of @DeadLetter gave no sink within ${timeoutMs} ms.`);
      const calls = await atMost(bindCalls({ ...open, consumer, clock, stores: this.#options.stores }), patience);
      if (calls.kind === 'aborted')
        throw new MillraceError('INJECTION_FAILED', `The tokens of @Use gave nothing within ${timeoutMs} ms.`);
      await this.#hook(open);
      return { ...open, pipeline, sinks: bound.value, invoke: calls.value };
    } catch (error) {
      await closeShardScope(open.scope, clock);
      throw error;
    }
  }

  async #hook({ instance }: OpenScope): Promise<void> {
    const { consumer, facts, ports, report, life, holds } = this.#options;
    const { definition } = consumer;
    const failed = await runHook({
      name: 'initialize',
      hook: definition.hooks.initialize,
      consumer: definition.name,
      instance,
      shardId: facts.shardId,
      clock: ports.clock,
      report,
      holds,
      timeoutMs: definition.retry.timeoutMs,
      over: life.over,
    });
    if (failed !== undefined) throw failed;
  }
}
