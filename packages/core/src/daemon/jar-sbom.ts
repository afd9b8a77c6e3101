/** The daemon's jars as a software bill of materials: CycloneDX 1.6, JSON. The same list gives the same text. */
import { createHash } from 'node:crypto';
import { formatJarLock, type JarLock, type LockedJar } from './jar-lock.js';
import { MAVEN_CENTRAL } from './maven-settings.js';

/** @param jars - those of the lock that are deployed. */
export function formatSbom(lock: JarLock, jars: readonly LockedJar[]): string {
  const [group, name, version] = lock.root.split(':');
  const root = { type: 'application', 'bom-ref': 'daemon', group, name, version } as const;
  const components = jars.map(componentOf);
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(formatJarLock({ ...lock, jars }))}`,
    version: 1,
    metadata: {
      tools: { components: [{ type: 'application', name: 'millrace' }] },
      component: version === undefined ? { type: 'application', 'bom-ref': 'daemon', name: lock.root } : root,
    },
    components,
    dependencies: [
      { ref: 'daemon', dependsOn: components.map((component) => component['bom-ref']) },
      ...components.map((component) => ({ ref: component['bom-ref'] })),
    ],
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

function componentOf({ artifact, path, sha256, license }: LockedJar) {
  const [group = '', name = '', version = '', classifier] = artifact.split(':');
  const suffix = classifier === undefined ? '' : `&classifier=${encodeURIComponent(classifier)}`;
  const purl = `pkg:maven/${group}/${name}@${encodeURIComponent(version)}?type=jar${suffix}`;
  return {
    type: 'library',
    'bom-ref': purl,
    group,
    name,
    version,
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    ...(license === undefined ? {} : { licenses: [{ license: licenseOf(license) }] }),
    purl,
    // Where it was published, whatever mirror it came from.
    externalReferences: [{ type: 'distribution', url: new URL(path, MAVEN_CENTRAL).href }],
  };
}

/** The schema takes only identifiers of SPDX as `id`; those have no blanks. */
function licenseOf(license: string): { readonly id: string } | { readonly name: string } {
  return SPDX.has(license) ? { id: license } : { name: license };
}

/** What scripts/lock-jars.mjs maps the names in poms to. */
const SPDX = new Set(['Apache-2.0', 'MIT', 'MIT-0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'EPL-1.0']);

/** A UUID of version 8: 122 bits of a digest. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
