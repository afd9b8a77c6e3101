/** What a command asks of the workers of this user on this machine. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Environment } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import type { Wish, WishAnswer } from '../runtime/orders.js';
import type { WorkerHealth } from '../runtime/worker-health.js';
import { listSockets } from './control-folder.js';
import type { ControlAnswer, ControlRequest } from './control-messages.js';
import { readJsonLine } from './read-line.js';

const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const STATUS_WITHIN_MS = 5_000;
/** Beyond what a worker itself waits for a host, and a host for its dead-letter sink. */
const ORDER_WITHIN_MS = 40_000;

export interface RunningWorker {
  readonly pid: number;
  readonly health: WorkerHealth;
  /** Undefined when the record does not wait in this application of it. */
  operate(applicationName: string, recordId: string, wish: Wish): Promise<WishAnswer | undefined>;
}

export interface WorkersFound {
  readonly workers: readonly RunningWorker[];
  /** Of sockets that are listened on and gave no answer. */
  readonly problems: readonly string[];
}

/** Asks every worker of this user where it stands. */
export async function findWorkers(env: Environment): Promise<WorkersFound> {
  const workers: RunningWorker[] = [];
  const problems: string[] = [];
  await Promise.all(
    (await listSockets(env)).map(async (path) => {
      if (!(await isListening(path))) return;
      try {
        const answer = await ask(path, { kind: 'status' }, STATUS_WITHIN_MS);
        if (answer.kind === 'status') workers.push(runningWorker(path, answer));
      } catch (error) {
        problems.push(`${path}: ${toError(error).message}`);
      }
    }),
  );
  return { workers: workers.toSorted((left, right) => left.pid - right.pid), problems };
}

function runningWorker(path: string, { pid, health }: Extract<ControlAnswer, { kind: 'status' }>): RunningWorker {
  return {
    pid,
    health,
    async operate(applicationName, recordId, wish) {
      const answer = await ask(path, { kind: 'operate', applicationName, recordId, wish }, ORDER_WITHIN_MS);
      return answer.kind === 'operated' ? answer.answer : undefined;
    },
  };
}

/** @throws TRANSPORT_FAILED when the worker does not answer, or answers that it cannot. */
async function ask(path: string, request: ControlRequest, withinMs: number): Promise<ControlAnswer> {
  const socket = await open(path);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    // It is this package, in a version that may be another one: an answer of another kind is told apart by its kind.
    const answer = (await readJsonLine(socket, { maxBytes: ANSWER_BYTES_MAX, withinMs })) as ControlAnswer;
    if (answer.kind === 'error') throw new MillraceError('TRANSPORT_FAILED', answer.text);
    return answer;
  } finally {
    socket.destroy();
  }
}

/** Refused is what a socket answers whose process has died. */
export async function isListening(path: string): Promise<boolean> {
  try {
    (await open(path)).destroy();
    return true;
  } catch {
    // Refused, or removed since it was listed.
    return false;
  }
}

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  // Later errors come out of what is waited for.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}
