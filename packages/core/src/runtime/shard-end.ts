/**
 * The end of a shard (S3): everything settled, the hook done, the argument-less checkpoint stored, and only then the
 * acknowledgement. An acknowledgement without that checkpoint would leave the child shards blocked for ever, so what
 * cannot be finished here stays open until the lease is in doubt; the shard's next owner gets it again.
 */
import type { RetryPolicy } from '../definition/definition.js';
import { classify } from '../policy/classify.js';
import { backoffMs } from '../policy/retry.js';
import type { RuntimePorts } from '../ports.js';
import type { Checkpointer } from './checkpointer.js';
import type { Holds } from './holds.js';
import { sleepUntilAborted, whenAborted } from './race.js';
import type { Reporter } from './reporter.js';
import type { SessionLife } from './session-life.js';

export interface ShardEndOptions {
  readonly ports: RuntimePorts;
  readonly life: SessionLife;
  readonly report: Reporter;
  readonly holds: Holds;
  readonly checkpointer: Checkpointer;
  readonly retry: RetryPolicy;
  /** Resolves when no handler runs any more, or when the session gives its records up. */
  readonly idle: () => Promise<void>;
  /** Runs `@OnShardEnd` once; the error it ended with, or undefined. */
  readonly hook: () => Promise<Error | undefined>;
  /** Resolves when nothing runs any more, to whether every record is settled. */
  readonly settled: () => Promise<boolean>;
  readonly requestStop: (cause: Error) => void;
}

export class ShardEnd {
  readonly #options: ShardEndOptions;

  constructor(options: ShardEndOptions) {
    this.#options = options;
  }

  /** Resolves when the end may be acknowledged: SHARD_END is stored, or the lease is not ours to end. */
  async run(): Promise<void> {
    const { idle, settled, checkpointer, report, life } = this.#options;
    await idle();
    if (!(await this.#runHook())) return this.#never('its hook did not complete');
    if (!(await settled())) return this.#never('not all of its records were settled');
    const written = await checkpointer.writeShardEnd((error) =>
      report.log.error({ err: error }, 'The end of the shard was not checkpointed; it is tried again.'),
    );
    if (!written && !life.inDoubt) await this.#never('its end was not checkpointed');
  }

  async #runHook(): Promise<boolean> {
    const { hook, life, holds, ports, report, retry, requestStop } = this.#options;
    for (let tries = 1; !life.over.aborted; tries += 1) {
      const failed = await hook();
      if (failed === undefined) {
        holds.release();
        return true;
      }
      report.log.error({ err: failed, tries }, '@OnShardEnd failed; the end of the shard waits for it.');
      const { kind } = classify(failed);
      if (kind === 'stopWorker') {
        requestStop(failed);
        return false;
      }
      if (tries >= retry.attempts || kind === 'final')
        holds.hold(undefined, `@OnShardEnd failed ${tries} times`, failed);
      if (kind === 'final') await whenAborted(life.over);
      else await sleepUntilAborted(ports.clock, backoffMs(retry, tries, ports.random), life.over);
    }
    return false;
  }

  async #never(why: string): Promise<void> {
    const { life, report } = this.#options;
    report.log.warn({}, `The end of the shard is not acknowledged because ${why}; its next owner gets it again.`);
    await whenAborted(life.doubted);
  }
}
