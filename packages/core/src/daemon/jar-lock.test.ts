import { describe, expect, it } from 'vitest';
import { formatJarLock, lockDigest, parseJarLock, readBuiltInLock, readJarLock, repositoryPath } from './jar-lock.js';
import { someJars } from './maven-server.fixture.js';

const { lock } = someJars();
const text = formatJarLock(lock);
const changed = (change: object, jar: object = {}) => {
  const value = JSON.parse(text) as { jars: object[] };
  return JSON.stringify({
    ...value,
    jars: value.jars.map((entry, index) => (index === 0 ? { ...entry, ...jar } : entry)),
    ...change,
  });
};

describe('a jar lock', () => {
  it('is read back as it was written', () => {
    expect(parseJarLock(text, 'x')).toEqual(lock);
  });

  it('has one line a jar, so that a change is one line of a diff', () => {
    expect(text.split('\n').filter((line) => line.includes('"artifact"'))).toHaveLength(lock.jars.length);
  });

  it.each([
    ['no JSON', '{', 'it is not a JSON object'],
    ['an array', '[]', 'it is not a JSON object'],
    ['another format', changed({ format: 2 }), 'its format is 2, not 1'],
    ['a name that leads out of the store', changed({ name: '../x' }), 'its name is missing, or no plain name'],
    ['no root', changed({ root: 1 }), 'its root is missing'],
    ['no jars', changed({ jars: [] }), 'it lists no jars'],
    ['a jar that is none', changed({ jars: ['x'] }), 'jar 1 of 1 is no object'],
    ['an artifact without version', changed({}, { artifact: 'a:b' }), 'jar 1 of 4 has no `artifact` of the form'],
    ['an artifact with slashes', changed({}, { artifact: 'a:../b:1' }), 'has no `artifact` of the form'],
    [
      'a path elsewhere',
      changed({}, { path: '../../etc/passwd' }),
      'has another `path` than org/example/one/one/1.0/one-1.0.jar',
    ],
    ['no size', changed({}, { bytes: 0 }), 'has no `bytes`'],
    ['a short digest', changed({}, { sha256: 'abc' }), 'has no `sha256` of 64'],
    ['a license that is no text', changed({}, { license: 1 }), 'has a `license` that is no text'],
    ['needed that is no yes or no', changed({}, { needed: 'yes' }), 'has a `needed`'],
    ['the same file twice', changed({ jars: [lock.jars[0], lock.jars[0]] }), 'two jars are called one-1.0.jar'],
  ])('with %s is refused', (_, wrong, message) => {
    expect(() => parseJarLock(wrong, 'jars.json')).toThrow(expect.objectContaining({ code: 'JAR_LOCK_INVALID' }));
    expect(() => parseJarLock(wrong, 'jars.json')).toThrow(message);
  });

  it('that is not there is named', async () => {
    await expect(readJarLock('/nowhere/jars.json')).rejects.toMatchObject({
      code: 'JAR_LOCK_INVALID',
      message: expect.stringContaining('/nowhere/jars.json cannot be read'),
    });
  });

  it('has a digest that any content changes, and the order does not', () => {
    const [first, ...rest] = lock.jars;
    expect(lockDigest({ ...lock, jars: lock.jars.toReversed() })).toBe(lockDigest(lock));
    expect(lockDigest({ ...lock, jars: [{ ...first!, sha256: '0'.repeat(64) }, ...rest] })).not.toBe(lockDigest(lock));
  });
});

it('knows where repositories keep artifacts', () => {
  expect(repositoryPath('io.netty:netty-codec:4.1.1.Final')).toBe(
    'io/netty/netty-codec/4.1.1.Final/netty-codec-4.1.1.Final.jar',
  );
  expect(repositoryPath('a.b:c:1:linux')).toBe('a/b/c/1/c-1-linux.jar');
});

describe('the built-in lock', () => {
  it('is KCL 3.1.3 as formatJarLock writes it', async () => {
    const { readFile } = await import('node:fs/promises');
    const builtIn = await readBuiltInLock();
    const file = new URL('../../assets/jars-kcl-3.1.3.json', import.meta.url);
    expect(formatJarLock(builtIn)).toBe(await readFile(file, 'utf8'));
    expect(builtIn).toMatchObject({
      name: 'kcl-3.1.3',
      root: 'software.amazon.kinesis:amazon-kinesis-client-multilang:3.1.3',
    });
  });

  it.each([
    'amazon-kinesis-client',
    'amazon-kinesis-client-multilang',
    'sts',
    'sso',
    'ssooidc',
    'eventstream',
    'protobuf-java',
    'logback-classic',
  ])('needs %s', async (name) => {
    const { jars } = await readBuiltInLock();
    expect(jars.filter((jar) => jar.artifact.split(':')[1] === name).map(({ needed }) => needed)).toEqual([true]);
  });

  it('leaves out most of what the schema registry drags in', async () => {
    const { jars } = await readBuiltInLock();
    const left = jars.filter(({ needed }) => !needed);
    expect(left.map(({ artifact }) => artifact.split(':')[1])).toEqual(
      expect.arrayContaining(['scala-library', 'kafka-clients', 'wire-schema-jvm', 'zstd-jni']),
    );
    expect(jars.length - left.length).toBeLessThan(80);
  });
});
