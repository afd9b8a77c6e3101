/**
 * The life of the worker that `millrace dev` runs: started, ended in order, started again when a file changes, killed
 * only when it does not end by itself.
 *
 * D1 One worker at a time: the next one starts when the last one's process is gone, so the checkpoint file has one owner.
 * D2 A worker is asked to end; it is killed when its grace is over or the user asks a second time.
 */
import { EXIT_CODES, type ExitCode } from '../../exit-codes.js';
import type { Clock, Timer } from '../../ports.js';
import type { DevEvent, EmulatorPlaces, EmulatorsNeeded, FromWorker, ToWorker } from './dev-events.js';

export interface DevChild {
  readonly pid: number;
  send(message: ToWorker): void;
  /** At once, with everything that it started in its process group. */
  kill(): void;
  /** Resolves when the process is gone and everything it said was heard. */
  readonly exited: Promise<ChildExit>;
}

export interface ChildExit {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

export interface DevSessionOptions {
  readonly clock: Clock;
  /** Keep going when the worker ends by itself, and wait for a change. */
  readonly watch: boolean;
  readonly startChild: (listener: (message: FromWorker) => void) => DevChild;
  readonly emit: (event: DevEvent) => void;
  /** Starts each emulator at the first call that needs it. Rejects with the error that the command ends with. */
  readonly provideEmulators: (needed: EmulatorsNeeded) => Promise<EmulatorPlaces>;
}

type Phase =
  | { readonly kind: 'new' }
  | { readonly kind: 'running'; readonly child: DevChild }
  | { readonly kind: 'stopping'; readonly child: DevChild; readonly next: 'restart' | 'end'; readonly grace: Timer }
  /** The worker ended by itself; a change may have mended it. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ended' };

/** Until the worker has said how long its own grace is. */
const FIRST_GRACE_MS = 5_000;
/** The worker ends itself at its grace; this is for one that cannot any more. */
const GRACE_MARGIN_MS = 5_000;

export class DevSession {
  /** The exit code of the command; rejects when an emulator could not be provided. */
  readonly ended: Promise<number>;
  private phase: Phase = { kind: 'new' };
  private graceMs = FIRST_GRACE_MS;
  private resolveEnded: (exitCode: number) => void = () => undefined;
  private rejectEnded: (error: unknown) => void = () => undefined;
  private forcedExitCode: ExitCode | undefined;
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly options: DevSessionOptions) {
    this.ended = new Promise((resolve, reject) => {
      this.resolveEnded = resolve;
      this.rejectEnded = reject;
    });
  }

  start(): void {
    if (this.phase.kind === 'new' || this.phase.kind === 'waiting') this.startWorker();
  }

  /** A file has changed. */
  restart(file: string): void {
    const { phase } = this;
    if (phase.kind !== 'running' && phase.kind !== 'waiting') return;
    this.options.emit({ kind: 'fileChanged', file });
    if (phase.kind === 'waiting') this.startWorker();
    else this.stopWorker(phase.child, 'restart');
  }

  /** Ends in order; a second call does not wait for it, and ends the command with its code. */
  stop(why: string, forcedExitCode: ExitCode): void {
    const { phase } = this;
    switch (phase.kind) {
      case 'new':
      case 'waiting':
        this.end(EXIT_CODES.ok);
        return;
      case 'running':
        this.options.emit({ kind: 'stopping', why });
        this.stopWorker(phase.child, 'end');
        return;
      case 'stopping':
        if (phase.next === 'end') {
          this.forcedExitCode ??= forcedExitCode;
          this.kill(phase.child, 'it was asked to end a second time');
        } else {
          this.options.emit({ kind: 'stopping', why });
          this.phase = { ...phase, next: 'end' };
        }
        return;
      case 'ended':
        return;
      default:
        phase satisfies never;
    }
  }

  private startWorker(): void {
    this.graceMs = FIRST_GRACE_MS;
    const child = this.options.startChild((message) => this.take(message, child));
    this.phase = { kind: 'running', child };
    this.options.emit({ kind: 'workerStarted', pid: child.pid });
    void child.exited.then((exit) => this.workerEnded(exit));
  }

  private take(message: FromWorker, child: DevChild): void {
    if (message.kind === 'emulatorsNeeded') {
      void this.provideEmulators(message, child);
      return;
    }
    if (message.kind === 'consumersLoaded') this.graceMs = message.graceMs;
    this.options.emit(message);
  }

  private async provideEmulators({ kinesis, dynamoDb }: EmulatorsNeeded, child: DevChild): Promise<void> {
    try {
      child.send({ kind: 'emulators', ...(await this.options.provideEmulators({ kinesis, dynamoDb })) });
    } catch (error) {
      this.failure = { error };
      if (this.phase.kind === 'running') this.stopWorker(child, 'end');
    }
  }

  private stopWorker(child: DevChild, next: 'restart' | 'end'): void {
    const grace = this.options.clock.setTimer(this.graceMs + GRACE_MARGIN_MS, () =>
      this.kill(child, `it did not end within ${this.graceMs + GRACE_MARGIN_MS} ms`),
    );
    this.phase = { kind: 'stopping', child, next, grace };
    child.send({ kind: 'stop' });
  }

  private kill(child: DevChild, why: string): void {
    this.options.emit({ kind: 'killed', why });
    child.kill();
  }

  private workerEnded({ exitCode, signal }: ChildExit): void {
    const { phase } = this;
    this.options.emit({ kind: 'workerEnded', exitCode, signal });
    if (phase.kind === 'stopping') {
      phase.grace.cancel();
      if (phase.next === 'restart') this.startWorker();
      else this.end(exitCode ?? EXIT_CODES.failed);
      return;
    }
    if (!this.options.watch) {
      this.end(exitCode ?? EXIT_CODES.failed);
      return;
    }
    this.phase = { kind: 'waiting' };
    this.options.emit({ kind: 'waitingForChange' });
  }

  private end(exitCode: number): void {
    this.phase = { kind: 'ended' };
    if (this.failure === undefined) this.resolveEnded(this.forcedExitCode ?? exitCode);
    else this.rejectEnded(this.failure.error);
  }
}
