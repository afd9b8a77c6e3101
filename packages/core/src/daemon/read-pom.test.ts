import { describe, expect, it } from 'vitest';
import { readPom } from './read-pom.js';

const dependency = (fields: string) => `<dependency>${fields}</dependency>`;
const plain = (name: string, version: string) =>
  dependency(`<groupId>org.example</groupId>\n<artifactId>${name}</artifactId><version>${version}</version>`);
const pom = (dependencies: string, more = '') => `<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <properties><a.version>1.2</a.version><b>  3 </b></properties>
  ${more}<dependencies>${dependencies}</dependencies>
</project>`;

describe('a pom', () => {
  it('gives its dependencies with properties put in', () => {
    expect(readPom(pom(plain('x', '${a.version}') + plain('y', '${b}.0') + plain('z', '1.0-jre')), 'pom.xml')).toEqual([
      'org.example:x:1.2',
      'org.example:y:3.0',
      'org.example:z:1.0-jre',
    ]);
  });

  it('gives none that is commented out, managed only, for tests, provided, or optional', () => {
    const wanted = plain('x', '1');
    const others = [
      `<!-- ${plain('comment', '1')} -->`,
      dependency('<groupId>g</groupId><artifactId>t</artifactId><version>1</version><scope>test</scope>'),
      dependency('<groupId>g</groupId><artifactId>p</artifactId><version>1</version><scope>provided</scope>'),
      dependency('<groupId>g</groupId><artifactId>o</artifactId><version>1</version><optional>true</optional>'),
    ];
    const managed = `<dependencyManagement><dependencies>${plain('managed', '1')}</dependencies></dependencyManagement>`;
    expect(readPom(pom(others.join('') + wanted, managed), 'pom.xml')).toEqual(['org.example:x:1']);
  });

  it('gives an artifact once', () => {
    expect(readPom(pom(plain('x', '1') + plain('x', '1')), 'pom.xml')).toEqual(['org.example:x:1']);
  });

  it.each([
    ['no dependencies', pom(''), 'it lists no dependencies'],
    ['an unknown property', pom(plain('x', '${nope}')), 'org.example:x:${nope}'],
    ['no version', pom(dependency('<groupId>g</groupId><artifactId>a</artifactId>')), 'g:a:'],
    ['a range', pom(plain('x', '[1,2)')), 'org.example:x:[1,2)'],
    ['a path in a name', pom(plain('../x', '1')), 'org.example:../x:1'],
    [
      'a bom',
      pom(dependency('<groupId>g</groupId><artifactId>a</artifactId><version>1</version><type>pom</type>')),
      'g:a:1',
    ],
  ])('with %s is refused', (_, text, message) => {
    expect(() => readPom(text, 'pom.xml')).toThrow(
      expect.objectContaining({ code: 'JAR_LOCK_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
