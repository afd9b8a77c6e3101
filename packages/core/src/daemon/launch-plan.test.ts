import { describe, expect, it } from 'vitest';
import { planLaunch, type LaunchRequest } from './launch-plan.js';

const java = { path: '/opt/java/bin/java', version: 17, build: 'Maker 17', from: 'option' } as const;
const request: LaunchRequest = {
  java,
  classPath: ['/jars/a.jar', '/jars/b.jar'],
  properties: '/run/app.properties',
  logback: '/run/logback.xml',
  heapMegabytes: 256,
  preset: 'server',
  archive: '/jars/.classes/a.jsa',
  javaFlags: [],
};
const argsOf = (more: Partial<LaunchRequest>) => planLaunch({ ...request, ...more }).args;
const versioned = (version: number) => ({ java: { ...java, version } });

describe('the command line of the daemon', () => {
  it('has the verified class path, the properties and our configuration of the log', () => {
    expect(planLaunch(request)).toEqual({
      command: '/opt/java/bin/java',
      args: [
        '-Xmx256m',
        '-XX:+ExitOnOutOfMemoryError',
        '-XX:+UseSerialGC',
        '-XX:SharedArchiveFile=/jars/.classes/a.jsa',
        '-Xshare:auto',
        '-Dfile.encoding=UTF-8',
        '-Dlogback.configurationFile=/run/logback.xml',
        '-cp',
        '/jars/a.jar:/jars/b.jar',
        'software.amazon.kinesis.multilang.MultiLangDaemon',
        '-p',
        '/run/app.properties',
      ],
    });
  });

  it('compiles no further than the first tier where a quick start is all that counts', () => {
    expect(argsOf({ preset: 'fast' })).toContain('-XX:TieredStopAtLevel=1');
    expect(argsOf({ preset: 'server' })).not.toContain('-XX:TieredStopAtLevel=1');
  });

  it("puts the user's flags behind ours, so that they win", () => {
    const args = argsOf({ javaFlags: ['-Xmx1g', '-Dhttp.proxyHost=proxy'] });
    expect(args.indexOf('-Xmx1g')).toBeGreaterThan(args.indexOf('-Xmx256m'));
    expect(args.indexOf('-Dhttp.proxyHost=proxy')).toBeLessThan(args.indexOf('-cp'));
  });

  it("leaves the collector to the user's flags, because a JVM takes one only", () => {
    expect(argsOf({ javaFlags: ['-XX:+UseG1GC'] })).not.toContain('-XX:+UseSerialGC');
  });

  it.each([8, 11])('names no archive for Java %i, which has none of this kind', (version) => {
    expect(argsOf(versioned(version)).filter((flag) => /[Ss]hare/.test(flag))).toEqual([]);
  });

  it('starts on a Java 8 that is older than the flag for exhausted memory', () => {
    expect(argsOf(versioned(8))).toContain('-XX:+IgnoreUnrecognizedVMOptions');
    expect(argsOf(versioned(17))).not.toContain('-XX:+IgnoreUnrecognizedVMOptions');
  });
});
