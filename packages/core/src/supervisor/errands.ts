/**
 * Errands: what is looked up and done beside the daemon now and then, and needs the AWS SDK, a client of the inspector, or all jars. A supervisor
 * sends another process on them, which ends soon, because what they load would stay in its memory for as long as it lives.
 * Orders and answers are plain data.
 */
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Environment } from '../definition/definition.js';
import type { Clock } from '../ports.js';
import { findArchive } from '../daemon/class-archive.js';
import { openCoordination } from '../daemon/coordination-aws.js';
import type { Coordination } from '../daemon/coordination.js';
import { findJava, type Java } from '../daemon/find-java.js';
import { openJarStore } from '../daemon/jar-store.js';
import { verifyJars } from '../daemon/jar-verify.js';
import { preflight, type PreflightReport } from '../daemon/preflight.js';

/** A consumer without its functions. */
export type DescribedConsumer = Omit<ResolvedConsumer, 'definition'>;

export type ErrandOrder =
  /** Loads what reads tables, before anybody knows of which consumer. */
  | { readonly kind: 'loadSdk' }
  | { readonly kind: 'preflight'; readonly consumer: DescribedConsumer; readonly env: Environment }
  | { readonly kind: 'findLaunch'; readonly env: Environment; readonly java: string | undefined }
  | { readonly kind: 'stackOfHost'; readonly pid: number }
  | {
      readonly kind: 'coordinate';
      readonly consumer: DescribedConsumer;
      readonly env: Environment;
      readonly call: CoordinationCall;
    };

export type CoordinationCall =
  /** Nothing is called yet: afterwards the time of a call is the call's own. */
  | { readonly kind: 'open' }
  | { readonly kind: 'leases' }
  | { readonly kind: 'lease'; readonly shardId: string }
  | { readonly kind: 'leader' }
  | { readonly kind: 'deleteLeader'; readonly expected: { readonly owner: string; readonly version: string } }
  | { readonly kind: 'lastSeenMs'; readonly workerId: string }
  | { readonly kind: 'forgetWorker'; readonly workerId: string };

/** Java with its jars, looked up and verified. */
export interface FoundLaunch {
  readonly java: Java;
  readonly classPath: readonly string[];
  readonly archive: string | undefined;
}

type AnswerOfCall<C extends CoordinationCall> = C extends { readonly kind: 'open' }
  ? undefined
  : Awaited<ReturnType<Coordination[Exclude<C['kind'], 'open'>]>>;

export type ErrandAnswer<O extends ErrandOrder> = O extends { readonly kind: 'preflight' }
  ? PreflightReport
  : O extends { readonly kind: 'findLaunch' }
    ? FoundLaunch
    : O extends { readonly kind: 'stackOfHost' }
      ? string
      : O extends { readonly call: infer C extends CoordinationCall }
        ? AnswerOfCall<C>
        : never;

/** Those of one process: a table that is asked again is asked through the same client. */
export class Errands {
  readonly #coordinations = new Map<string, Promise<Coordination>>();

  constructor(private readonly clock: Clock) {}

  /** @throws what preflight, coordination and the search for Java throw; the signal's reason. */
  async run(order: ErrandOrder, signal: AbortSignal): Promise<unknown> {
    switch (order.kind) {
      case 'loadSdk':
        await import('@aws-sdk/client-dynamodb');
        return undefined;
      case 'preflight':
        return preflight(whole(order.consumer), { env: order.env, clock: this.clock, signal });
      case 'findLaunch':
        return findLaunch(order.env, order.java);
      case 'stackOfHost':
        // Only a blocked host needs what this loads.
        return (await import('./host-stack.js')).stackOfHost(order.pid);
      case 'coordinate':
        return coordinate(await this.#coordination(order.consumer, order.env), order.call, signal);
      default:
        return order satisfies never;
    }
  }

  #coordination(consumer: DescribedConsumer, env: Environment): Promise<Coordination> {
    const { applicationName } = consumer;
    const known = this.#coordinations.get(applicationName);
    if (known !== undefined) return known;
    const opened = openCoordination(whole(consumer), env);
    this.#coordinations.set(applicationName, opened);
    // What could not be opened is opened again for the next one.
    opened.catch(() => this.#coordinations.delete(applicationName));
    return opened;
  }
}

async function findLaunch(env: Environment, javaPath: string | undefined): Promise<FoundLaunch> {
  const store = await openJarStore(env);
  const java = await findJava(env, javaPath);
  const classPath = await verifyJars(store);
  return { java, classPath, archive: await findArchive(store, java) };
}

function coordinate(coordination: Coordination, call: CoordinationCall, signal: AbortSignal): Promise<unknown> {
  switch (call.kind) {
    case 'open':
      return Promise.resolve();
    case 'leases':
      return coordination.leases(signal);
    case 'lease':
      return coordination.lease(call.shardId, signal);
    case 'leader':
      return coordination.leader(signal);
    case 'deleteLeader':
      return coordination.deleteLeader(call.expected, signal);
    case 'lastSeenMs':
      return coordination.lastSeenMs(call.workerId, signal);
    case 'forgetWorker':
      return coordination.forgetWorker(call.workerId, signal);
    default:
      return call satisfies never;
  }
}

/** Nothing of this layer asks for the handlers of a consumer. */
function whole(consumer: DescribedConsumer): ResolvedConsumer {
  return consumer as ResolvedConsumer;
}
