/** Every property that the MultiLangDaemon of KCL 3.1.3 takes. Types, docs and checks are made from this table. */
import type { PropertyGroup, PropertySpec } from './property-spec.js';
import { CLIENTS } from './table/clients.js';
import { IDENTITY } from './table/identity.js';
import { LEASES } from './table/leases.js';
import { LIFECYCLE, METRICS } from './table/lifecycle.js';
import { RETRIEVAL } from './table/retrieval.js';
import { TABLES, WORKERS } from './table/workers.js';

export const KCL_VERSION = '3.1.3';

/** In the order in which they are written to the daemon's file. */
export const PROPERTIES: readonly PropertySpec[] = [
  ...IDENTITY,
  ...CLIENTS,
  ...RETRIEVAL,
  ...LEASES,
  ...LIFECYCLE,
  ...METRICS,
  ...WORKERS,
  ...TABLES,
];

export const GROUP_TITLES: Readonly<Record<PropertyGroup, string>> = {
  identity: 'Stream, application, process',
  clients: 'AWS clients and credentials',
  retrieval: 'Position and retrieval',
  leases: 'Leases and coordination',
  lifecycle: 'Tasks',
  metrics: 'Metrics',
  workers: 'Balancing by the load of workers',
  tables: 'Tables',
};

const BY_NAME: ReadonlyMap<string, PropertySpec> = new Map(
  PROPERTIES.flatMap((spec) => [spec.name, ...spec.aliases].map((name) => [name, spec] as const)),
);

const BY_PREFIX: readonly (readonly [string, PropertySpec])[] = PROPERTIES.filter((spec) => isWildcard(spec)).map(
  (spec) => [spec.name.slice(0, -1), spec],
);

/** A method path of a builder: names and list indexes, so that no key can carry anything else into the file. */
const BUILDER_PATH = /^[A-Za-z][A-Za-z0-9]*(?:\[\d+\])?(?:\.[A-Za-z][A-Za-z0-9]*(?:\[\d+\])?)*$/;

export function isWildcard(spec: PropertySpec): boolean {
  return spec.name.endsWith('.*');
}

/** The property that a name stands for, by its own name, an alias, a dot path, or a client builder's prefix. */
export function findProperty(name: string): PropertySpec | undefined {
  const exact = BY_NAME.get(name);
  if (exact !== undefined) return isWildcard(exact) ? undefined : exact;
  const wildcard = BY_PREFIX.find(([prefix]) => name.startsWith(prefix));
  if (wildcard !== undefined) return BUILDER_PATH.test(name.slice(wildcard[0].length)) ? wildcard[1] : undefined;
  return findCredentialsProperty(name);
}

/** The daemon ignores the case of this one prefix, and so do we. */
function findCredentialsProperty(name: string): PropertySpec | undefined {
  const prefix = 'AwsCredentialsProvider';
  if (name.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return undefined;
  return BY_NAME.get(prefix + name.slice(prefix.length));
}

/** Every name under which a property can be given; wildcards by their prefix alone are left out. */
export function propertyNames(): readonly string[] {
  return [...BY_NAME.keys()].filter((name) => !name.endsWith('.*'));
}

/** The dot prefixes under which properties live, for the message when somebody gives the whole group as an object. */
export function isGroupName(name: string): boolean {
  return [...BY_NAME.keys()].some((known) => known.startsWith(`${name}.`));
}
