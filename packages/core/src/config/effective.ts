/** The properties that count in the end: each with its text and where it came from. */
import type { Findings } from './issues.js';
import { quote } from './issues.js';
import type { Given, GivenOption, GivenProperty } from './layers.js';
import { bad, good } from './parsed-value.js';
import type { ParsedValue } from './parsed-value.js';
import type { PropertySpec } from './property-spec.js';
import type { Origin } from './resolved.js';
import { parseValue } from './value.js';

export interface Effective {
  readonly text: string;
  readonly origin: Origin;
  readonly source: string;
  /** 0 is the strongest layer; defaults are weaker than all. */
  readonly rank: number;
}

/** By the daemon's spelling. Checks may correct an entry, never add one that is not in the table. */
export type EffectiveProperties = Map<string, Effective>;

const DEFAULT_RANK = Number.MAX_SAFE_INTEGER;

/** Who reads the file: under `stdio` a daemon that somebody else starts with it, commands included. */
export type Engine = 'local' | 'stdio' | 'daemon';

/** Checks every winning value by itself, and says what Millrace does with it. */
export function readProperties(
  winners: ReadonlyMap<string, GivenProperty>,
  engine: Engine,
  findings: Findings,
): EffectiveProperties {
  const effective: EffectiveProperties = new Map();
  for (const given of winners.values()) {
    const parsed = parseValue(given.spec.type, given.raw);
    if (parsed.kind === 'bad') {
      reportBad(given, parsed, findings);
      continue;
    }
    if (handle(given, parsed.text, { engine, findings })) effective.set(given.name, toEffective(given, parsed.text));
  }
  return effective;
}

/** As readProperties, for our own options. A decode function has no text; it is taken from the winners. */
export function readOptions(winners: ReadonlyMap<string, GivenOption>, findings: Findings): EffectiveProperties {
  const effective: EffectiveProperties = new Map();
  for (const given of winners.values()) {
    const parsed = given.spec.type.kind === 'decode' ? parseDecode(given.raw) : parseValue(given.spec.type, given.raw);
    if (parsed.kind === 'bad') reportBad(given, parsed, findings);
    else effective.set(given.name, toEffective(given, parsed.text));
  }
  return effective;
}

function parseDecode(raw: unknown): ParsedValue {
  if (typeof raw === 'function') return good('a function');
  if (raw === 'json' || raw === 'text' || raw === 'bytes') return good(raw);
  return bad('BAD_ENUM', 'is not possible. Write json, text, bytes, or a function of the bytes and the record.');
}

function toEffective(given: Given, text: string): Effective {
  return { text, origin: given.origin, source: given.source, rank: given.rank };
}

function reportBad(given: Given, parsed: ParsedValue & { readonly kind: 'bad' }, findings: Findings): void {
  const value = parsed.secret ? '' : ` = ${quote(given.raw)}`;
  findings.issue(parsed.code, given.name, `${given.name}${value} (${given.source}) ${parsed.problem}`);
}

interface HandleContext {
  readonly engine: Engine;
  readonly findings: Findings;
}

/** Whether the value goes on. */
function handle(given: GivenProperty, text: string, { engine, findings }: HandleContext): boolean {
  const { name, spec, source } = given;
  switch (spec.handling.kind) {
    case 'passes':
      return true;
    case 'accepts':
      if (spec.handling.when === 'always' || text === 'false')
        findings.notice('NO_EFFECT', `${name} = ${text} (${source}) is accepted. ${spec.handling.why}`);
      return true;
    case 'sets':
      // A daemon that somebody else starts needs a command of theirs.
      if (engine === 'stdio') return true;
      findings.notice('SET_BY_MILLRACE', `${name} (${source}) is not used. ${spec.handling.why}`);
      return false;
    case 'carriesOut':
      findings.notice('CARRIED_OUT_BY_MILLRACE', `${name} = ${text} (${source}) is kept. ${spec.handling.why}`);
      return true;
    case 'refuses':
      findings.issue(
        'REFUSED_PROPERTY',
        name,
        `${name} (${source}) cannot be given. ${spec.handling.why} Take it out.`,
      );
      return false;
    case 'newer':
      findings.issue(
        'NEWER_KCL',
        name,
        `${name} (${source}) needs KCL ${spec.handling.since} or later; the daemon in use would ignore it. Take it out.`,
      );
      return false;
    default:
      return spec.handling satisfies never;
  }
}

/** Fills in what nobody said and Millrace wants otherwise than KCL. */
export function addDefaults(effective: EffectiveProperties, specs: readonly PropertySpec[]): void {
  for (const spec of specs) {
    if (spec.millraceDefault === undefined || effective.has(spec.name)) continue;
    effective.set(spec.name, { text: spec.millraceDefault, origin: 'millrace', source: 'default', rank: DEFAULT_RANK });
  }
}
