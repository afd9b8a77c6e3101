/** How long the platform waits for a worker that it stops before it kills it, against how long the worker takes. Pure. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import type { Environment } from '../../definition/definition.js';
import { failed, ok, warning, type Check } from './check.js';

const NAME = 'stopping';
/** What Kubernetes and ECS wait unless they are told. */
const ORCHESTRATOR_SECONDS = 30;
/** From the end of the grace until the last process is gone. */
const MARGIN_SECONDS = 3;
/** A grace that fits into what orchestrators wait. */
const USUAL_GRACE_MS = 25_000;

type StopTimeout =
  | { readonly kind: 'told'; readonly seconds: number; readonly by: string }
  | { readonly kind: 'assumed'; readonly seconds: number; readonly platform: 'Kubernetes' | 'ECS' }
  | { readonly kind: 'unknown' };

export interface StopTimeoutInputs {
  /** Of --stop-timeout. */
  readonly seconds: number | undefined;
  readonly env: Environment;
}

export function checkStopping({ settings }: ResolvedConsumer, inputs: StopTimeoutInputs): Check {
  const graceMs = settings.shutdownGraceMs;
  const grace = `shutdownGraceMillis is ${graceMs}`;
  const timeout = stopTimeoutOf(inputs);
  switch (timeout.kind) {
    case 'told':
      return judgeTold(graceMs, timeout);
    case 'assumed': {
      const { seconds, platform } = timeout;
      if (graceMs <= (seconds - MARGIN_SECONDS) * 1000)
        return ok(NAME, `${grace}, within the ${seconds} s that ${platform} waits unless it is told otherwise`);
      return warning(
        NAME,
        `${grace}, and ${platform} kills after ${seconds} s unless it is told otherwise.`,
        raise(graceMs, platform),
      );
    }
    case 'unknown':
      if (graceMs <= USUAL_GRACE_MS)
        return ok(
          NAME,
          `${grace}; Kubernetes and ECS wait 30 s, but Docker by itself only 10 s (docker run --stop-timeout ${secondsFor(graceMs)})`,
        );
      return warning(
        NAME,
        `${grace}; unless they are told otherwise, Kubernetes and ECS kill after 30 s and Docker after 10 s, in the middle of it.`,
        `Give the platform ${secondsFor(graceMs)} s, and tell it here with --stop-timeout or MILLRACE_STOP_TIMEOUT.`,
      );
    default:
      return timeout satisfies never;
  }
}

function judgeTold(graceMs: number, { seconds, by }: StopTimeout & { readonly kind: 'told' }): Check {
  const text = `shutdownGraceMillis is ${graceMs}, and the platform kills after ${seconds} s (${by})`;
  const leftMs = seconds * 1000 - graceMs;
  if (leftMs <= 0)
    return failed(
      NAME,
      `${text}: workers are killed before their last checkpoints, and without a leader shards stand still for two minutes.`,
      `Give the platform ${secondsFor(graceMs)} s, or set shutdownGraceMillis to ${Math.max(0, seconds - MARGIN_SECONDS) * 1000}.`,
    );
  if (leftMs < MARGIN_SECONDS * 1000)
    return warning(NAME, `${text}: that leaves little to end in order.`, `Give the platform ${secondsFor(graceMs)} s.`);
  return ok(NAME, text);
}

function stopTimeoutOf({ seconds, env }: StopTimeoutInputs): StopTimeout {
  if (seconds !== undefined) return { kind: 'told', seconds, by: '--stop-timeout' };
  const variable = Number(env['MILLRACE_STOP_TIMEOUT'] ?? '');
  if (variable > 0) return { kind: 'told', seconds: variable, by: 'MILLRACE_STOP_TIMEOUT' };
  const given = (name: string): boolean => (env[name] ?? '') !== '';
  if (given('KUBERNETES_SERVICE_HOST'))
    return { kind: 'assumed', seconds: ORCHESTRATOR_SECONDS, platform: 'Kubernetes' };
  // The metadata that these lead to do not say what stopTimeout the container has.
  if (given('ECS_CONTAINER_METADATA_URI_V4') || given('ECS_CONTAINER_METADATA_URI'))
    return { kind: 'assumed', seconds: ORCHESTRATOR_SECONDS, platform: 'ECS' };
  return { kind: 'unknown' };
}

function raise(graceMs: number, platform: 'Kubernetes' | 'ECS'): string {
  const where = platform === 'Kubernetes' ? 'terminationGracePeriodSeconds of the pod' : 'stopTimeout of the container';
  return `Set ${where} to ${secondsFor(graceMs)}, and tell it here with --stop-timeout or MILLRACE_STOP_TIMEOUT.`;
}

function secondsFor(graceMs: number): number {
  return Math.ceil(graceMs / 1000) + MARGIN_SECONDS;
}
