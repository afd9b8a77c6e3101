/**
 * Sends a process on errands. It starts with the first one and ends soon after the last: what it has loaded goes with it. When
 * it cannot be started or is lost, the errand is run here, where it costs memory and nothing else; each may be run twice.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { receivedError, type FromErrand, type ToErrand } from './errand-messages.js';
import type { ErrandAnswer, ErrandOrder, Errands } from './errands.js';
import { childEnvironment } from '../daemon/java-process.js';
import type { Environment } from '../definition/definition.js';
import { MillraceError } from '../errors.js';
import { programFile } from '../package-files.js';
import type { Clock, Logger, Timer } from '../ports.js';

export interface ErrandProcessOptions {
  /** Of this process, which the other one inherits. */
  readonly env: Environment;
  readonly clock: Clock;
  readonly logger: Logger;
  /** @defaultValue the one that lies beside this */
  readonly program?: URL;
}

interface Pending {
  readonly answered: (answer: unknown) => void;
  readonly failed: (error: Error) => void;
  readonly lost: () => void;
}

/** Who runs errands: another process, or this one. */
export interface ErrandRunner {
  /** For somebody who knows that there will be one soon, and whether it reads tables. */
  warm(errand: 'tables' | 'host'): void;
  /** Keeps what one errand has opened for the next; call what is returned when there are no more. */
  hold(): () => void;
  /** @throws what the errand throws; the signal's reason. */
  run<O extends ErrandOrder>(order: O, signal?: AbortSignal): Promise<ErrandAnswer<O>>;
  close(): void;
}

/** In the program of somebody else no process is started for it. */
export function errandsHere(clock: Clock): ErrandRunner {
  let errands: Promise<Errands> | undefined;
  return {
    warm: () => undefined,
    hold: () => () => undefined,
    async run<O extends ErrandOrder>(order: O, signal = new AbortController().signal) {
      errands ??= import('./errands.js').then(({ Errands: Here }) => new Here(clock));
      // The answer to an order has its type.
      return (await (await errands).run(order, signal)) as ErrandAnswer<O>;
    },
    close: () => undefined,
  };
}

/** One errand often follows another. */
const IDLE_MS = 2_000;
/** With these Node runs something else than the program that it is given. */
const OTHER_PROGRAM = /^(?:-[cehipv]+|--(?:build|check|eval|interactive|input-type|print|prof-process|run|test|watch))/;
const OWN_OPTIONS = /^--inspect/;

export class ErrandProcess implements ErrandRunner {
  private child: ChildProcess | undefined;
  private readonly pending = new Map<number, Pending>();
  private holders = 0;
  private idle: Timer | undefined;
  private count = 0;
  private readonly here: ErrandRunner;

  constructor(private readonly options: ErrandProcessOptions) {
    this.here = errandsHere(options.clock);
  }

  warm(errand: 'tables' | 'host'): void {
    this.child ??= this.start();
    this.rest();
    // Whoever needs it and cannot have it is told then.
    if (errand === 'tables') this.run({ kind: 'loadSdk' }).catch(() => undefined);
  }

  hold(): () => void {
    this.holders += 1;
    this.idle?.cancel();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.holders -= 1;
      this.rest();
    };
  }

  async run<O extends ErrandOrder>(order: O, signal?: AbortSignal): Promise<ErrandAnswer<O>> {
    signal?.throwIfAborted();
    this.idle?.cancel();
    try {
      // The answer to an order has its type: both ends are this package in the same version.
      return (await this.send(order, signal)) as ErrandAnswer<O>;
    } finally {
      this.rest();
    }
  }

  /** Ends the process; an errand that is not done yet is given up. */
  close(): void {
    this.idle?.cancel();
    const { child } = this;
    this.child = undefined;
    if (child?.connected === true) child.disconnect();
    const error = new MillraceError('WORKER_STOPPED', 'The worker ended before the answer came.');
    for (const { failed } of [...this.pending.values()]) failed(error);
  }

  private send(order: ErrandOrder, signal: AbortSignal | undefined): Promise<unknown> {
    this.count += 1;
    const id = this.count;
    this.child ??= this.start();
    const { child } = this;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        settled();
        tell(child, { kind: 'abort', id });
        reject(signal?.reason as Error);
      };
      const settled = (): void => {
        this.pending.delete(id);
        signal?.removeEventListener('abort', abort);
        this.keepAlive(child);
      };
      this.pending.set(id, {
        answered: (answer) => (settled(), resolve(answer)),
        failed: (error) => (settled(), reject(error)),
        lost: () => {
          settled();
          this.here.run(order, signal).then(resolve, reject);
        },
      });
      this.keepAlive(child);
      signal?.addEventListener('abort', abort, { once: true });
      tell(child, { kind: 'order', id, order });
    });
  }

  /** This process must not run out of things to do while it waits for an answer; and an idle one must not keep it from ending. */
  private keepAlive(child: ChildProcess): void {
    const waits = this.pending.size > 0;
    child[waits ? 'ref' : 'unref']();
    child.channel?.[waits ? 'ref' : 'unref']();
  }

  private start(): ChildProcess {
    const child = fork(this.options.program ?? programFile('errand.main'), [], {
      // Out of reach of the terminal's signals: it is asked for the last time when the worker ends.
      detached: true,
      env: { ...childEnvironment(this.options.env), MILLRACE_ERRAND: '1' },
      execArgv: process.execArgv.some((option) => OTHER_PROGRAM.test(option))
        ? []
        : process.execArgv.filter((option) => !OWN_OPTIONS.test(option)),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message: FromErrand) => this.take(message));
    child.once('error', (error) => this.lost(child, error));
    child.once('disconnect', () => this.lost(child, undefined));
    child.unref();
    child.channel?.unref();
    return child;
  }

  private take(message: FromErrand): void {
    const pending = this.pending.get(message.id);
    switch (message.kind) {
      case 'answer':
        pending?.answered(message.answer);
        return;
      case 'failed':
        pending?.failed(receivedError(message.error));
        return;
      default:
        message satisfies never;
    }
  }

  private lost(child: ChildProcess, error: Error | undefined): void {
    if (this.child !== child) return;
    this.child = undefined;
    const { logger } = this.options;
    if (this.pending.size > 0)
      logger.debug({ err: error }, 'The process for errands was lost; what it was to do is done in this one.');
    for (const { lost } of [...this.pending.values()]) lost();
  }

  private rest(): void {
    this.idle?.cancel();
    if (this.pending.size > 0 || this.holders > 0 || this.child === undefined) return;
    this.idle = this.options.clock.setTimer(IDLE_MS, () => this.close());
  }
}

function tell(child: ChildProcess, message: ToErrand): void {
  // What cannot be sent is heard of as the end of the channel.
  if (child.connected) child.send(message, () => undefined);
}
