/**
 * From resolved consumers to engines at work, by the engine that was chosen and the part that this process plays. Each part
 * loads its own: a host has no supervisor in its memory, and a supervisor no engine that serves sessions.
 */
import type { ConsumerEngine, EngineGroup } from './consumer-engine.js';
import type { DaemonEnginesRequest } from './daemon-engines.js';
import { isMillraceError, toError } from './errors.js';
import type { SessionSetup } from './runtime/live-sessions.js';
import type { Engine } from './worker-options.js';
import { supervisorOf, type WorkerPart } from './worker-part.js';

export interface StartRequest extends DaemonEnginesRequest {
  readonly engine: Engine;
  readonly part: WorkerPart;
}

export async function startEngines(request: StartRequest): Promise<EngineGroup> {
  const { engine, part, setups = new Map<string, SessionSetup>() } = request;
  if (part.kind === 'host') {
    const { ports } = request;
    const { startHostEngines } = await import('./host-engines.js');
    return startHostEngines({ setups, link: part.link, ports });
  }
  if (engine !== 'daemon') return startOwn(engine, setups, request);
  const { startDaemonEngines } = await import('./daemon-engines.js');
  return startDaemonEngines(request);
}

/** One after the other; what was started ends again when the next one does not start. */
async function startOwn(
  engine: Exclude<Engine, 'daemon'>,
  setups: ReadonlyMap<string, SessionSetup>,
  { options, env, part, signal }: StartRequest,
): Promise<EngineGroup> {
  const engines: ConsumerEngine[] = [];
  const group: EngineGroup = {
    engines,
    hosts: () => [],
    // An engine of this process has ended when its sessions have.
    settled: async () => undefined,
    close: async () => supervisorOf(part)?.close(),
  };
  try {
    const { startEngine } = await import('./consumer-engine.js');
    for (const setup of setups.values()) {
      signal.throwIfAborted();
      engines.push(await startEngine({ engine, setup, part, options, env }));
    }
    return group;
  } catch (thrown) {
    // What asked for the end in the meantime says more than what the end has broken.
    const error = toError(signal.aborted ? signal.reason : thrown);
    for (const started of engines) started.stop(isMillraceError(error, 'WORKER_STOPPED') ? undefined : error);
    await Promise.all(engines.map(({ closed }) => closed));
    await group.close();
    throw error;
  }
}
