/** The supervisor's socket: hosts and the children of process mode connect to it and say who they are. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { LineLink } from '../host/line-link.js';
import type { FromHost, Role, ToHost } from '../host/host-messages.js';
import type { Logger } from '../ports.js';

export interface Peer {
  readonly role: Role;
  readonly name: string;
  readonly pid: number;
  send(message: ToHost): void;
  close(): void;
  /** Everything it says after hello; set it before the next turn of the event loop. */
  onMessage: (message: FromHost) => void;
  /** Its socket has closed: as a rule it is gone. */
  onClosed: () => void;
}

export interface LinkServer {
  close(): void;
}

export async function openLinkServer(
  path: string,
  { logger, onPeer }: { readonly logger: Logger; readonly onPeer: (peer: Peer) => void },
): Promise<LinkServer> {
  const links = new Set<LineLink<FromHost, ToHost>>();
  const server: Server = createServer((socket) => {
    let peer: Peer | undefined;
    const link: LineLink<FromHost, ToHost> = new LineLink(socket, {
      message(message) {
        if (peer !== undefined) peer.onMessage(message);
        else if (message.kind === 'hello') {
          peer = { ...message, send: (out) => link.send(out), close: () => link.close(), ...deaf() };
          onPeer(peer);
        }
      },
      closed(cause) {
        links.delete(link);
        if (cause !== undefined) logger.debug({ err: cause, name: peer?.name }, 'The link to a host broke.');
        peer?.onClosed();
      },
    });
    links.add(link);
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    close() {
      server.close();
      for (const link of links) link.destroy();
    },
  };
}

function deaf(): Pick<Peer, 'onMessage' | 'onClosed'> {
  return { onMessage: () => undefined, onClosed: () => undefined };
}
