/** `millrace dev`: a worker that restarts when its code changes, a Kinesis to read from, and a view of what happens. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { styleText } from 'node:util';
import { watch } from 'chokidar';
import { EXIT_CODES, type ExitCode } from '../../exit-codes.js';
import { startEmulator, type Emulator } from '../../local/emulator.js';
import { stderrLogger, systemClock } from '../../process-ports.js';
import { locateModule, type ModuleFile } from '../module-file.js';
import type { Terminal } from '../terminal.js';
import type { DevEvent, DevRequest } from './dev-events.js';
import { DevSession } from './dev-session.js';
import { jsonDisplay, plainDisplay, tableDisplay, type Display } from './displays.js';
import type { RowState } from './live-view.js';
import { startChild } from './start-child.js';
import { isForeign, isWatched, projectFolder } from './watched-files.js';

export interface DevOptions extends Omit<DevRequest, 'cwd' | 'temporaryFolder'> {
  readonly watch: boolean;
  readonly json: boolean;
}

/** Resolves with the exit code when the worker and the emulator are gone. */
export async function dev(options: DevOptions, terminal: Terminal): Promise<number> {
  const module = locateModule(options.module, terminal.cwd);
  const display = chooseDisplay(options, terminal);
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'millrace-dev-'));
  const emit = (event: DevEvent): void => display.event(event);
  const emulator = new LazyEmulator(options.region, terminal, emit);
  const request: DevRequest = { ...options, module: module.path, cwd: terminal.cwd, temporaryFolder };
  const session = new DevSession({
    clock: systemClock,
    watch: options.watch,
    startChild: (listener) => startChild(request, { message: listener, line: (line) => display.log(line) }),
    emit,
    provideEndpoint: () => emulator.provide(),
  });
  const forget = onSignals(session);
  const unwatch = options.watch ? watchProject(module, terminal, session) : undefined;
  try {
    session.start();
    return await session.ended;
  } finally {
    await unwatch?.();
    await emulator.stop();
    await rm(temporaryFolder, { recursive: true, force: true });
    display.close();
    forget();
  }
}

/** Started for the first worker that needs it, and kept while workers come and go. */
class LazyEmulator {
  private started: Promise<Emulator> | undefined;

  constructor(
    private readonly region: string | undefined,
    private readonly terminal: Terminal,
    private readonly emit: (event: DevEvent) => void,
  ) {}

  async provide(): Promise<{ readonly endpoint: string; readonly region: string }> {
    this.started ??= this.start();
    const { endpoint, region } = await this.started;
    // The emulator keeps the streams of each region apart; `millrace put` looks where the environment says.
    return { endpoint, region: this.region ?? this.terminal.env['AWS_REGION'] ?? region };
  }

  async stop(): Promise<void> {
    const emulator = await this.started?.catch(() => undefined);
    await emulator?.stop();
  }

  private async start(): Promise<Emulator> {
    const emulator = await startEmulator({ streams: [], logger: stderrLogger(this.terminal.env) });
    this.emit({ kind: 'emulatorStarted', endpoint: emulator.endpoint });
    return emulator;
  }
}

function chooseDisplay({ json, region }: DevOptions, terminal: Terminal): Display {
  if (json) return jsonDisplay(terminal, systemClock);
  const wording = { command: terminal.command, region };
  if (!process.stdout.isTTY) return plainDisplay(terminal, systemClock, wording);
  const colours = (terminal.env['NO_COLOR'] ?? '') === '';
  return tableDisplay(
    { stream: process.stdout, paint: colours ? paintState : (_, text) => text },
    systemClock,
    wording,
  );
}

function paintState(state: RowState, text: string): string {
  switch (state) {
    case 'held':
    case 'stuck':
    case 'doubt':
      return styleText('red', text);
    case 'ready':
    case 'running':
      return styleText('green', text);
    case 'starting':
    case 'draining':
    case 'ended':
    case 'shard end':
      return text;
    default:
      return state satisfies never;
  }
}

const STOP_SIGNALS: readonly { readonly signal: NodeJS.Signals; readonly forced: ExitCode }[] = [
  { signal: 'SIGINT', forced: EXIT_CODES.forcedByInterrupt },
  { signal: 'SIGTERM', forced: EXIT_CODES.forcedByTerminate },
  // The terminal was closed.
  { signal: 'SIGHUP', forced: EXIT_CODES.forcedByTerminate },
];

function onSignals(session: DevSession): () => void {
  const handlers = STOP_SIGNALS.map(({ signal, forced }) => {
    const handler = (): void => session.stop(`Stopping after ${signal}`, forced);
    process.on(signal, handler);
    return { signal, handler };
  });
  return () => {
    for (const { signal, handler } of handlers) process.off(signal, handler);
  };
}

/** Editors save several files at once, and some of them twice. */
const SETTLE_MS = 100;

function watchProject(module: ModuleFile, terminal: Terminal, session: DevSession): () => Promise<void> {
  const folder = projectFolder(module.path);
  const watcher = watch(folder, { ignoreInitial: true, ignored: (path) => isForeign(path, folder) });
  let timer: { cancel(): void } | undefined;
  watcher.on('all', (_, path) => {
    if (!isWatched(path, module.language)) return;
    timer?.cancel();
    timer = systemClock.setTimer(SETTLE_MS, () => session.restart(relative(terminal.cwd, path)));
  });
  return async () => {
    timer?.cancel();
    await watcher.close();
  };
}
