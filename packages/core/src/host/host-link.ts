/** A host's, or a child's, side of the link to its supervisor. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { MillraceError } from '../errors.js';
import type { FromHost, Role, ToHost } from './host-messages.js';
import { LineLink } from './line-link.js';

export interface HostLink {
  tell(message: FromHost): void;
  /** Set it before the next turn of the event loop; earlier messages are kept. */
  listen(listener: (message: ToHost) => void): void;
  /** Resolves when the supervisor is gone; never after `close`. */
  readonly closed: Promise<void>;
  close(): void;
}

export interface LinkAddress {
  /** Of the supervisor's socket. */
  readonly path: string;
  readonly role: Role;
  readonly name: string;
}

/** @throws MillraceError HOST_FAILED when nobody listens there any more. */
export async function connectHostLink({ path, role, name }: LinkAddress): Promise<HostLink> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new MillraceError('HOST_FAILED', 'The supervisor that started this process cannot be reached any more.', {
      cause: error,
      details: { path },
    });
  }
  let listener: ((message: ToHost) => void) | undefined;
  const early: ToHost[] = [];
  let close: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  let ownEnd = false;
  const link = new LineLink<ToHost, FromHost>(socket, {
    message: (message) => (listener === undefined ? void early.push(message) : listener(message)),
    closed: () => {
      if (!ownEnd) close();
    },
  });
  link.send({ kind: 'hello', role, name, pid: process.pid });
  return {
    tell: (message) => link.send(message),
    listen(heard) {
      listener = heard;
      for (const message of early.splice(0)) heard(message);
    },
    closed,
    close() {
      ownEnd = true;
      link.close();
    },
  };
}
