/** The consumers of a host process: their sessions come from the supervisor, and go on until it says that it is over. */
import type { ConsumerEngine, EngineGroup } from './consumer-engine.js';
import { MillraceError } from './errors.js';
import type { HostLink } from './host/host-link.js';
import { SessionHost } from './host/session-host.js';
import type { RuntimePorts } from './ports.js';
import type { SessionSetup } from './runtime/live-sessions.js';
import { plainError } from './runtime/plain-event.js';
import type { WorkerOutcome } from './worker-options.js';

export interface HostEnginesRequest {
  /** By application name. */
  readonly setups: ReadonlyMap<string, SessionSetup>;
  readonly link: HostLink;
  readonly ports: RuntimePorts;
}

/** Resolves when the supervisor has welcomed this host. */
export async function startHostEngines(request: HostEnginesRequest): Promise<EngineGroup> {
  const { link, setups, ports } = request;
  let over: (outcome: WorkerOutcome) => void = () => undefined;
  const closed = new Promise<WorkerOutcome>((resolve) => {
    over = resolve;
  });
  tellOfSigusr1(link);
  const host = await welcomed(request, over);
  void link.closed.then(() => {
    for (const name of setups.keys()) host.sessionsOf(name).leave('cut');
    over({ kind: 'failed', error: new MillraceError('HOST_FAILED', 'The supervisor is gone.') });
  });
  const engines = [...setups].map(([applicationName, { consumer }]): ConsumerEngine => ({
    consumer,
    closed,
    sessions: host.sessionsOf(applicationName),
    stop: (cause) => {
      if (cause !== undefined) link.tell({ kind: 'stop', error: plainError(cause) });
      over({ kind: 'stopped' });
    },
  }));
  ports.logger.debug({ pid: process.pid }, 'The host is ready.');
  link.tell({ kind: 'ready' });
  return {
    engines,
    hosts: () => [],
    tellStatus: () => host.tellNow(),
    async settled() {
      host.close();
      await host.ended();
    },
    close: async () => link.close(),
  };
}

/** Before it can block, so that nobody sends the signal to find out where it stands. */
function tellOfSigusr1(link: HostLink): void {
  const signal = 'SIGUSR1';
  if (process.listenerCount(signal) > 0) link.tell({ kind: 'keepsSigusr1' });
  process.on('newListener', (name) => {
    if (name === signal) link.tell({ kind: 'keepsSigusr1' });
  });
}

function welcomed(
  { link, setups, ports }: HostEnginesRequest,
  over: (outcome: WorkerOutcome) => void,
): Promise<SessionHost> {
  const { clock, logger } = ports;
  return new Promise((resolve, reject) => {
    let host: SessionHost | undefined;
    void link.closed.then(() => reject(new MillraceError('HOST_FAILED', 'The supervisor is gone.')));
    link.listen((message) => {
      if (message.kind === 'end') {
        if (host === undefined) reject(new MillraceError('WORKER_STOPPED', 'The worker was stopped while it started.'));
        over({ kind: 'stopped' });
      } else if (message.kind === 'welcome') {
        const consumers = new Map(
          [...setups].map(([name, setup]) => [name, { ...setup, retentionMs: message.retentionMs[name] }]),
        );
        host = new SessionHost({ consumers, clock, logger, tell: (out) => link.tell(out) });
        resolve(host);
      } else host?.take(message);
    });
  });
}
