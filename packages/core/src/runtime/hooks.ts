/** The life-cycle hooks: user code with a deadline, whose failure never becomes the daemon's. */
import type { ShardContext } from '../definition/context.js';
import type { Hook, HookName } from '../definition/definition.js';
import { MillraceError } from '../errors.js';
import type { Clock } from '../ports.js';
import { Attempt } from './attempt.js';
import { HookContext, StoppingContext } from './contexts.js';
import type { Holds } from './holds.js';
import type { Reporter } from './reporter.js';

export interface HookCall {
  readonly name: HookName;
  readonly hook: Hook | undefined;
  readonly consumer: string;
  readonly instance: object;
  readonly shardId: string;
  readonly clock: Clock;
  readonly report: Reporter;
  readonly holds: Holds;
  readonly timeoutMs: number;
  /** Aborts when nobody waits for the hook any more. */
  readonly over: AbortSignal;
  readonly reason?: 'handoff' | 'workerStopping';
}

/** Runs a hook; the error it ended with, or undefined. A consumer without the hook is done at once. */
export async function runHook(call: HookCall): Promise<Error | undefined> {
  const { hook, clock, over, report, holds, shardId, instance, timeoutMs } = call;
  if (hook === undefined) return undefined;
  const handler = `${call.consumer}.${hook.name}`;
  const onStuck = (runningMs: number): void => {
    report.emit({ kind: 'stuck', recordId: undefined, handler, runningMs });
    const why = `${handler} has been running for ${runningMs} ms and ignores its aborted signal`;
    holds.hold(undefined, why, new MillraceError('HANDLER_TIMEOUT', `${why}.`, { details: { handler, runningMs } }));
  };
  const attempt = new Attempt({ clock, timeoutMs, handler, recordId: undefined, over, onStuck });
  const basis = { shardId, clock, log: report.log, signalOf: () => attempt.signal };
  const context: ShardContext =
    call.reason === undefined ? new HookContext(basis) : new StoppingContext(basis, call.reason);
  attempt.context = context;
  const result = await attempt.run(() => hook.call(instance, context));
  holds.release();
  switch (result.kind) {
    case 'returned':
      return undefined;
    case 'threw':
      return result.error;
    case 'abandoned':
      return new MillraceError('WORKER_STOPPED', `${handler} was still running when the session ended.`);
    default:
      return result satisfies never;
  }
}
