/** `millrace doctor`: everything that a daemon needs, looked at in seconds. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import { ConfigurationError, DefinitionError, isMillraceError } from '../../errors.js';
import { EXIT_CODES, type ExitCode } from '../../exit-codes.js';
import { atMost } from '../../runtime/race.js';
import { resolveRequest, type ResolveRequest } from '../provision/resolve-request.js';
import type { Terminal } from '../terminal.js';
import { checkAws } from './aws-checks.js';
import { CHECK_WITHIN_MS } from './check-deadline.js';
import { failed, failedWith, ok, warning, type Check, type DoctorPorts } from './check.js';
import { countOf, describeChecks, summarizeChecks, type CheckGroup } from './describe-checks.js';
import { checkMachine } from './machine-checks.js';
import { checkStopping } from './stop-timeout.js';

export interface DoctorRequest extends ResolveRequest {
  /** How long the platform waits before it kills. */
  readonly stopTimeoutSeconds: number | undefined;
  readonly json: boolean;
}

/** Says everything that is wrong; nothing of that is thrown. */
export async function examine(request: DoctorRequest, terminal: Terminal, ports: DoctorPorts): Promise<ExitCode> {
  const [machine, consumers] = await Promise.all([
    checkMachine(terminal.env, ports),
    checkConsumers(request, terminal, ports),
  ]);
  const groups = [{ application: undefined, checks: machine }, ...consumers];
  terminal.out(request.json ? `${JSON.stringify(summarizeChecks(groups), null, 2)}\n` : describeChecks(groups));
  return countOf(groups, 'error') > 0 ? EXIT_CODES.wrongUse : EXIT_CODES.ok;
}

async function checkConsumers(
  request: DoctorRequest,
  terminal: Terminal,
  ports: DoctorPorts,
): Promise<readonly CheckGroup[]> {
  const loaded = await load(request, terminal, ports);
  if (loaded.kind === 'failed') return [{ application: request.module, checks: loaded.checks }];
  return Promise.all(
    loaded.consumers.map(async (consumer) => ({
      application: consumer.applicationName,
      checks: [
        ...checkProperties(consumer),
        ...(await checkAws(consumer, terminal.env, ports)),
        checkStopping(consumer, { seconds: request.stopTimeoutSeconds, env: terminal.env }),
      ],
    })),
  );
}

type Loaded =
  | { readonly kind: 'loaded'; readonly consumers: readonly ResolvedConsumer[] }
  | { readonly kind: 'failed'; readonly checks: readonly Check[] };

const PROPERTIES = 'properties';

async function load(request: DoctorRequest, terminal: Terminal, { clock }: DoctorPorts): Promise<Loaded> {
  try {
    const raced = await atMost(resolveRequest(request, terminal), { clock, limitMs: CHECK_WITHIN_MS });
    if (raced.kind === 'done') return { kind: 'loaded', consumers: raced.value };
    const text = `The module has not been loaded within ${CHECK_WITHIN_MS / 1000} s.`;
    return { kind: 'failed', checks: [failed('module', text, 'A top-level await in it may wait for ever.')] };
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return { kind: 'failed', checks: loadErrors(error) };
  }
}

/** One line for each mistake. */
function loadErrors(error: Parameters<typeof failedWith>[1]): readonly Check[] {
  if (error instanceof ConfigurationError || error instanceof DefinitionError) {
    const name = error instanceof DefinitionError ? 'declaration' : PROPERTIES;
    return error.issues.map(({ code, message }) => failed(name, `${code}: ${message}`));
  }
  return [failedWith('module', error)];
}

function checkProperties({ properties, notices }: ResolvedConsumer): readonly Check[] {
  const given = properties.filter(({ origin }) => origin !== 'millrace' && origin !== 'kcl').length;
  return [
    ok(PROPERTIES, `${properties.length}, of which ${given} given by you`),
    ...notices.map(({ code, message }) => warning(PROPERTIES, `${code}: ${message}`)),
  ];
}
