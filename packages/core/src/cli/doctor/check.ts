/** What a check of `millrace doctor` comes to, and what the checks need of the world. */
import type { CallerIdentity, IdentityQuestion } from '../../daemon/caller-identity.js';
import type { ResolvedConsumer } from '../../config/resolved.js';
import type { Java } from '../../daemon/find-java.js';
import type { PreflightApi } from '../../daemon/preflight-facts.js';
import type { Environment } from '../../definition/definition.js';
import type { MillraceError } from '../../errors.js';
import type { Clock } from '../../ports.js';
import type { SelfTest } from '../../supervisor/attach-self-test.js';

export interface Check {
  readonly name: string;
  readonly state: CheckState;
  /** What was found. */
  readonly text: string;
  /** What to do about it, where the text does not say so. */
  readonly mend?: string;
}

export type CheckState = 'ok' | 'warning' | 'error';

export interface DoctorPorts {
  readonly clock: Clock;
  /** `v22.12.0`. */
  readonly nodeVersion: string;
  /** @throws MillraceError JAVA_UNUSABLE. */
  readonly findJava: (env: Environment) => Promise<Java>;
  /** @throws MillraceError JARS_MISSING, JAR_REFUSED, JAR_LOCK_INVALID. */
  readonly verifyJars: (env: Environment) => Promise<VerifiedJars>;
  /** Whether pipes of another process can be taken over. */
  readonly attachSelfTest: () => Promise<SelfTest>;
  readonly callerIdentity: (consumer: ResolvedConsumer, question: IdentityQuestion) => Promise<CallerIdentity>;
  readonly openPreflight: (consumer: ResolvedConsumer, env: Environment) => Promise<PreflightApi>;
}

export interface VerifiedJars {
  /** The list's name. */
  readonly list: string;
  readonly jars: number;
  readonly folder: string;
}

export function ok(name: string, text: string): Check {
  return { name, state: 'ok', text };
}

export function warning(name: string, text: string, mend?: string): Check {
  return { name, state: 'warning', text, ...(mend === undefined ? {} : { mend }) };
}

export function failed(name: string, text: string, mend?: string): Check {
  return { name, state: 'error', text, ...(mend === undefined ? {} : { mend }) };
}

/** Our own errors say how to mend them. */
export function failedWith(name: string, { code, message }: MillraceError): Check {
  return failed(name, `${code}: ${message}`);
}
