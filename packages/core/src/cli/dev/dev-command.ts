/** `millrace dev`: a worker that restarts when its code changes, a Kinesis to read from, and a view of what happens. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { styleText } from 'node:util';
import { watch } from 'chokidar';
import { EXIT_CODES, type ExitCode } from '../../exit-codes.js';
import { systemClock } from '../../process-ports.js';
import { locateModule, type ModuleFile } from '../module-file.js';
import type { Terminal } from '../terminal.js';
import { DevEmulators } from './dev-emulators.js';
import type { DevEvent, DevRequest } from './dev-events.js';
import { DevSession } from './dev-session.js';
import { jsonDisplay, plainDisplay, tableDisplay, type Display } from './displays.js';
import type { RowState } from './live-view.js';
import { readyDaemon } from './ready-daemon.js';
import { startChild } from './start-child.js';
import { isForeign, isWatched, projectFolder } from './watched-files.js';

export interface DevOptions extends Omit<DevRequest, 'cwd' | 'temporaryFolder'> {
  readonly watch: boolean;
  readonly json: boolean;
}

/**
 * Resolves with the exit code when the worker and the emulators are gone.
 *
 * @throws MillraceError with what keeps the emulators or the daemon from being started.
 */
export async function dev(options: DevOptions, terminal: Terminal): Promise<number> {
  const module = locateModule(options.module, terminal.cwd);
  const display = chooseDisplay(options, terminal);
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'millrace-dev-'));
  const emit = (event: DevEvent): void => display.event(event);
  const emulators = new DevEmulators(options, terminal, emit);
  const request: DevRequest = { ...options, module: module.path, cwd: terminal.cwd, temporaryFolder };
  const session = new DevSession({
    clock: systemClock,
    watch: options.watch,
    startChild: (listener) => startChild(request, { message: listener, line: (line) => display.log(line) }),
    emit,
    provideEmulators: (needed) => emulators.provide(needed),
  });
  const forget = onSignals(session);
  const unwatch = options.watch ? watchProject(module, terminal, session) : undefined;
  try {
    // Before anything is started: what is missing is said at once, and the first start has what makes it fast.
    if (options.engine === 'daemon') await readyDaemon(terminal.env, emit);
    session.start();
    return await session.ended;
  } finally {
    await unwatch?.();
    await emulators.stop();
    await rm(temporaryFolder, { recursive: true, force: true });
    display.close();
    forget();
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
  const watcher = watch(folder, { ignoreInitial: true, ignored: (path) => isForeign(path, folder, tmpdir()) });
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
