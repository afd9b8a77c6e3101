import { describe, expect, it } from 'vitest';
import { readBuiltInLock } from './jar-lock.js';
import { formatSbom } from './jar-sbom.js';
import { someJars } from './maven-server.fixture.js';

const builtIn = await readBuiltInLock();
const needed = builtIn.jars.filter((jar) => jar.needed);
const bom: any = JSON.parse(formatSbom(builtIn, needed));

describe('the software bill of materials', () => {
  it('says what CycloneDX 1.6 requires of a document', () => {
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
    expect(bom.serialNumber).toMatch(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(bom.metadata.component).toEqual({
      type: 'application',
      'bom-ref': 'daemon',
      group: 'software.amazon.kinesis',
      name: 'amazon-kinesis-client-multilang',
      version: '3.1.3',
    });
  });

  it('says of every jar what CycloneDX requires and scanners look for', () => {
    expect(bom.components).toHaveLength(needed.length);
    for (const [index, component] of bom.components.entries()) {
      const [group, name, version] = needed[index]!.artifact.split(':');
      expect(component).toMatchObject({ type: 'library', group, name, version });
      expect(component.purl).toBe(`pkg:maven/${group}/${name}@${version}?type=jar`);
      expect(component['bom-ref']).toBe(component.purl);
      expect(component.hashes).toEqual([{ alg: 'SHA-256', content: needed[index]!.sha256 }]);
      expect(Object.keys(component.licenses[0].license)).toHaveLength(1);
    }
  });

  it('refers to nothing that it does not hold, and names nothing twice', () => {
    const refs: string[] = ['daemon', ...bom.components.map((component: any) => component['bom-ref'])];
    expect(new Set(refs).size).toBe(refs.length);
    expect(bom.dependencies.map(({ ref }: any) => ref)).toEqual(refs);
    expect(bom.dependencies[0].dependsOn).toEqual(refs.slice(1));
  });

  it('is the same text for the same jars, and another document for others', () => {
    expect(formatSbom(builtIn, needed)).toBe(formatSbom(builtIn, needed));
    expect(JSON.parse(formatSbom(builtIn, builtIn.jars)).serialNumber).not.toBe(bom.serialNumber);
  });

  it('keeps the words of a license that SPDX does not list, and leaves out an unknown one', () => {
    const { lock } = someJars(['a', 'b']);
    const [a, b] = lock.jars;
    const jars = [
      { ...a!, license: 'Go License' },
      { ...b!, license: undefined },
    ];
    const { components } = JSON.parse(formatSbom({ ...lock, root: 'aws-kcl-3.1.1' }, jars));
    expect(components[0].licenses).toEqual([{ license: { name: 'Go License' } }]);
    expect(components[1]).not.toHaveProperty('licenses');
  });
});
