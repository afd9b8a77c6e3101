import { expect, it } from 'vitest';
import { resolveScenario } from '../../config/resolve.fixture.js';
import { checkStopping } from './stop-timeout.js';

function check(graceMs: number, env: Readonly<Record<string, string>> = {}, seconds?: number) {
  return checkStopping(resolveScenario({ declared: { shutdownGraceMillis: graceMs } }), { seconds, env });
}

it.each([
  ['fits what it was told', 25_000, {}, 30, 'ok', /kills after 30 s \(--stop-timeout\)/],
  ['is told by a variable', 25_000, { MILLRACE_STOP_TIMEOUT: '20' }, undefined, 'error', /\(MILLRACE_STOP_TIMEOUT\)/],
  ['prefers the option', 25_000, { MILLRACE_STOP_TIMEOUT: '20' }, 60, 'ok', /60 s/],
  ['sees a kill in the middle of the grace', 25_000, {}, 10, 'error', /killed before their last checkpoints/],
  ['sees that little is left', 25_000, {}, 26, 'warning', /leaves little/],
  ['knows what Kubernetes does by itself', 25_000, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, undefined, 'ok', /30 s/],
  ['knows Kubernetes', 40_000, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, undefined, 'warning', /Kubernetes kills after/],
  ['knows ECS', 40_000, { ECS_CONTAINER_METADATA_URI_V4: 'http://x' }, undefined, 'warning', /ECS kills after/],
  ['tells of Docker', 25_000, {}, undefined, 'ok', /--stop-timeout 28/],
  ['warns where it knows nothing and the grace is long', 26_000, {}, undefined, 'warning', /Docker after 10 s/],
] as const)('%s', (_what, graceMs, env, seconds, state, text) => {
  const { state: actual, text: said } = check(graceMs, env, seconds);
  expect({ state: actual, text: said }).toEqual({ state, text: expect.stringMatching(text) });
});

it('says what to set where', () => {
  expect(check(40_000, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }).mend).toContain(
    'terminationGracePeriodSeconds of the pod to 43',
  );
  expect(check(25_000, {}, 10).mend).toBe('Give the platform 28 s, or set shutdownGraceMillis to 7000.');
});
