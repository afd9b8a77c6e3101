/** The child of one shard does what its supervisor says, and tells it once a second where the session stands. */
import type { Clock, Timer } from '../ports.js';
import type { LiveSessions } from '../runtime/live-sessions.js';
import type { HostLink } from './host-link.js';
import { answerAsk } from './session-host.js';

export interface Obedience {
  readonly link: HostLink;
  readonly sessions: LiveSessions;
  readonly clock: Clock;
  readonly applicationName: string;
}

const STATUS_EVERY_MS = 1_000;

/** The function it returns ends it. */
export function obeySupervisor({ link, sessions, clock, applicationName }: Obedience): () => void {
  let timer: Timer;
  const tellStatus = (): void => {
    link.tell({ kind: 'status', shards: { [applicationName]: sessions.status() } });
    timer = clock.setTimer(STATUS_EVERY_MS, tellStatus);
  };
  tellStatus();
  link.listen((message) => {
    switch (message.kind) {
      case 'doubt':
        sessions.doubt(message.sessionId, message.why);
        return;
      case 'handOff':
        sessions.handOff(message.sessionId);
        return;
      case 'drain':
        sessions.drain();
        return;
      case 'leave':
        sessions.leave(message.how);
        return;
      case 'ask':
        void answerAsk(sessions, message, (answer) => link.tell(answer));
        return;
      case 'end':
      case 'welcome':
      case 'attach':
        // For hosts; a child ends with its pipes.
        return;
      default:
        message satisfies never;
    }
  });
  // Without its supervisor the daemon is ended as well, and the pipes with it; this is for one that was not.
  void link.closed.then(() => sessions.leave('cut'));
  return () => timer.cancel();
}
