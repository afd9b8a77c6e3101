/**
 * The daemon's pipes of a `stdio` child. With MILLRACE_ENGINE=stdio they are taken as soon as this package is imported:
 * what other modules print while they load must not reach the daemon either.
 */
import type { ByteChannel, Logger } from './ports.js';
import { claimStdio } from './transport/stdio-channel.js';

const early: ByteChannel | undefined = process.env['MILLRACE_ENGINE'] === 'stdio' ? claimStdio() : undefined;

export function standardPipes(logger: Logger): ByteChannel {
  return early ?? claimStdio(logger);
}
