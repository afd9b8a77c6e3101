/** Which part of a worker this process plays. */
import type { HostLink } from './host/host-link.js';

export type WorkerPart =
  /** It serves the sessions itself, whatever engine brings them. */
  | { readonly kind: 'whole' }
  /** On the daemon, hosts serve the sessions: no handler runs here. */
  | { readonly kind: 'supervisor' }
  /** It serves the sessions that its supervisor hands it. */
  | { readonly kind: 'host'; readonly link: HostLink }
  /** The daemon has started it for one shard of this application. */
  | { readonly kind: 'child'; readonly link: HostLink; readonly applicationName: string; readonly sessionId: string };

/** Asks the supervisor for the end of the worker; undefined where there is none, and the part ends itself. */
export function supervisorOf(part: WorkerPart): HostLink | undefined {
  switch (part.kind) {
    case 'host':
    case 'child':
      return part.link;
    case 'whole':
    case 'supervisor':
      return undefined;
    default:
      return part satisfies never;
  }
}
