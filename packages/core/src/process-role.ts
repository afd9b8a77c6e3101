/**
 * What this process is in a worker on the daemon: the supervisor starts the same program again as a host, or lets the
 * daemon start it as the child of one shard, and tells it by its environment. The variables are taken out at once: a
 * program that a handler starts is none of these.
 */
export type ProcessRole =
  | { readonly kind: 'host'; readonly link: string; readonly name: string }
  | { readonly kind: 'child'; readonly link: string; readonly applicationName: string }
  /** It was to run errands, and runs this program instead: Node was started in a way that was not foreseen. */
  | { readonly kind: 'astray' }
  /** Nobody of ours has started it. */
  | { readonly kind: 'first' };

/** On the global object: with two copies of this package the first one to be imported takes the variables for both. */
const shared = globalThis as { [key: symbol]: ProcessRole | undefined };
const KEY = Symbol.for('millrace.processRole');

export const processRole: ProcessRole = (shared[KEY] ??= readRole());

function readRole(): ProcessRole {
  const [link, name, applicationName, errand] = [
    'MILLRACE_LINK',
    'MILLRACE_HOST',
    'MILLRACE_CHILD_OF',
    'MILLRACE_ERRAND',
  ].map(take);
  if (errand !== undefined) return { kind: 'astray' };
  if (link !== undefined && name !== undefined) return { kind: 'host', link, name };
  if (link !== undefined && applicationName !== undefined) return { kind: 'child', link, applicationName };
  return { kind: 'first' };
}

function take(variable: string): string | undefined {
  const value = process.env[variable];
  delete process.env[variable];
  return value;
}
