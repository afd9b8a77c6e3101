/** What is known of a property, as data. The table, the types, the docs page and the checks are all read from these. */

export type PropertyGroup =
  | 'identity'
  | 'clients'
  | 'retrieval'
  | 'leases'
  | 'lifecycle'
  | 'metrics'
  | 'workers'
  | 'tables';

/** How a value is written. `java` is the type behind the daemon's setter: it decides what a zero or a `false` means there. */
export type PropertyType =
  | { readonly kind: 'string' }
  | { readonly kind: 'streamName' }
  | { readonly kind: 'streamArn' }
  | { readonly kind: 'applicationName' }
  | { readonly kind: 'tableName' }
  | { readonly kind: 'region' }
  | { readonly kind: 'uri' }
  /** Names of credentials providers with their arguments: `Name|arg|arg,Name`. */
  | { readonly kind: 'credentials' }
  | {
      readonly kind: 'integer';
      readonly java: 'int' | 'long' | 'Integer' | 'Long';
      readonly unit: Unit;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: 'double'; readonly min: number; readonly max: number }
  | { readonly kind: 'boolean'; readonly java: 'boolean' | 'Boolean' }
  /** `newer`: values that only a later KCL knows. */
  | { readonly kind: 'enum'; readonly values: readonly string[]; readonly newer: readonly string[] }
  /** An ISO-8601 duration, `PT15M`. */
  | { readonly kind: 'duration' }
  /** Items separated by commas. */
  | { readonly kind: 'list' }
  /** `key=value` pairs separated by commas. */
  | { readonly kind: 'tags' }
  /** TRIM_HORIZON, LATEST, or a moment. */
  | { readonly kind: 'position' }
  /** A moment; seconds since the epoch in the daemon's file. */
  | { readonly kind: 'timestamp' }
  /** Any scalar: a one-argument method of an AWS SDK client builder. */
  | { readonly kind: 'builder' };

export type Unit = 'milliseconds' | 'seconds' | 'bytes' | 'count' | 'percent';

/** What Millrace does with a property. */
export type Handling =
  /** Written to the daemon's file as it is. */
  | { readonly kind: 'passes' }
  /** Written as it is, and explained once. */
  | { readonly kind: 'accepts'; readonly why: string; readonly when: 'always' | 'false' }
  /** Millrace sets it at start; a value of the user's is not used, which is said once. */
  | { readonly kind: 'sets'; readonly why: string }
  /** The daemon ignores it; Millrace does what it promises. Not written to the file. */
  | { readonly kind: 'carriesOut'; readonly why: string }
  | { readonly kind: 'refuses'; readonly why: string }
  /** Only a later KCL than ours knows it. */
  | { readonly kind: 'newer'; readonly since: string };

/** `identifies`: names an account, a role or a host. `credentials`: says where credentials come from, never what they are. */
export type Sensitivity = 'none' | 'identifies' | 'credentials';

export interface PropertySpec {
  /** The daemon's own spelling. A trailing `.*` stands for every key below that prefix. */
  readonly name: string;
  readonly group: PropertyGroup;
  readonly type: PropertyType;
  /** As text; undefined when KCL has none. */
  readonly kclDefault: string | undefined;
  /** As text; undefined when Millrace leaves it to KCL. */
  readonly millraceDefault: string | undefined;
  /** One sentence. */
  readonly effect: string;
  readonly handling: Handling;
  /** Other names that mean the same. */
  readonly aliases: readonly string[];
  readonly sensitivity: Sensitivity;
  readonly deprecated: string | undefined;
}

/** A table row as it is written: what is usual is left out. */
export interface PropertyRow {
  readonly name: string;
  readonly type: PropertyType;
  readonly kcl?: string;
  readonly ours?: string;
  readonly effect: string;
  readonly handling?: Handling;
  readonly aliases?: readonly string[];
  /** The bean that also takes it under a dot path: `pollingConfig` makes `pollingConfig.maxRecords` another name. */
  readonly nestedIn?: string;
  readonly sensitivity?: Sensitivity;
  readonly deprecated?: string;
}

const INT_MAX = 2_147_483_647;

export function propertyGroup(group: PropertyGroup, rows: readonly PropertyRow[]): readonly PropertySpec[] {
  return rows.map((row) => ({
    name: row.name,
    group,
    type: row.type,
    kclDefault: row.kcl,
    millraceDefault: row.ours,
    effect: row.effect,
    handling: row.handling ?? { kind: 'passes' },
    aliases: [...(row.aliases ?? []), ...(row.nestedIn === undefined ? [] : [`${row.nestedIn}.${row.name}`])],
    sensitivity: row.sensitivity ?? 'none',
    deprecated: row.deprecated,
  }));
}

type Bounds = { readonly min?: number; readonly max?: number };

/**
 * A Java primitive of 0 means "not set" to KCL, which then takes its default: hence the least value is 1 unless 0 is that
 * default.
 */
export function millis(bounds: Bounds = {}): PropertyType {
  return {
    kind: 'integer',
    java: 'long',
    unit: 'milliseconds',
    min: bounds.min ?? 1,
    max: bounds.max ?? Number.MAX_SAFE_INTEGER,
  };
}

export function boxedMillis(bounds: Bounds = {}): PropertyType {
  return {
    kind: 'integer',
    java: 'Long',
    unit: 'milliseconds',
    min: bounds.min ?? 1,
    max: bounds.max ?? Number.MAX_SAFE_INTEGER,
  };
}

export function boxedInteger(unit: Unit): PropertyType {
  return { kind: 'integer', java: 'Integer', unit, min: 1, max: INT_MAX };
}

export function count(bounds: Bounds = {}): PropertyType {
  return { kind: 'integer', java: 'int', unit: 'count', min: bounds.min ?? 1, max: bounds.max ?? INT_MAX };
}

export function percent(): PropertyType {
  return { kind: 'integer', java: 'int', unit: 'percent', min: 1, max: 100 };
}

export function longOf(unit: Unit, bounds: Bounds = {}): PropertyType {
  return { kind: 'integer', java: 'long', unit, min: bounds.min ?? 1, max: bounds.max ?? Number.MAX_SAFE_INTEGER };
}

export function oneOf(values: readonly string[], newer: readonly string[] = []): PropertyType {
  return { kind: 'enum', values, newer };
}

/** A Java `boolean`: KCL cannot tell its `false` from "not set". */
export const flag: PropertyType = { kind: 'boolean', java: 'boolean' };
/** A Java `Boolean`: `false` counts. */
export const boxedFlag: PropertyType = { kind: 'boolean', java: 'Boolean' };
export const text: PropertyType = { kind: 'string' };
export const uri: PropertyType = { kind: 'uri' };
export const credentials: PropertyType = { kind: 'credentials' };
export const builder: PropertyType = { kind: 'builder' };
export const tableName: PropertyType = { kind: 'tableName' };
