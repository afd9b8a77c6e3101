/** What passes over a worker's control socket: a line of JSON with a request, a line with its answer. */
import type { Wish, WishAnswer } from '../runtime/orders.js';
import type { WorkerHealth } from '../runtime/worker-health.js';

export type ControlRequest =
  | { readonly kind: 'status' }
  | { readonly kind: 'operate'; readonly applicationName: string; readonly recordId: string; readonly wish: Wish };

export type ControlAnswer =
  | { readonly kind: 'status'; readonly pid: number; readonly health: WorkerHealth }
  /** Without an answer when the record does not wait in that application. */
  | { readonly kind: 'operated'; readonly answer: WishAnswer | undefined }
  | { readonly kind: 'error'; readonly text: string };

const WISHES: readonly Wish[] = ['find', 'retry', 'park', 'skip'];

/** Undefined for what no request is: the command may be of another version. */
export function readRequest(line: unknown): ControlRequest | undefined {
  if (typeof line !== 'object' || line === null || !('kind' in line)) return undefined;
  if (line.kind === 'status') return { kind: 'status' };
  if (line.kind !== 'operate' || !('applicationName' in line && 'recordId' in line && 'wish' in line)) return undefined;
  const { applicationName, recordId } = line;
  const wish = WISHES.find((one) => one === line.wish);
  if (typeof applicationName !== 'string' || typeof recordId !== 'string' || wish === undefined) return undefined;
  return { kind: 'operate', applicationName, recordId, wish };
}
