import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors.js';
import { limitedLevels, readDaemonLevels } from './daemon-levels.js';

const read = (text: string) => readDaemonLevels({ MILLRACE_DAEMON_LOG: text });
const KCL = 'software.amazon.kinesis';

describe('MILLRACE_DAEMON_LOG', () => {
  it('is a list of loggers and levels, in any case, with blanks', () => {
    const levels = read(` ${KCL}.coordinator=debug , root = INFO,`);
    expect([...levels]).toEqual([
      [`${KCL}.coordinator`, 'DEBUG'],
      ['root', 'INFO'],
    ]);
  });

  it('says nothing when it is empty or not set', () => {
    expect(read('').size + readDaemonLevels({}).size).toBe(0);
  });

  it('is told all of its mistakes at once', () => {
    const mistaken = () => read('a.b=LOUD,no level,a<b>=INFO,root=INFO,root=WARN');
    expect(mistaken).toThrow(ConfigurationError);
    expect(mistaken).toThrow(
      /4 mistakes[^]*"LOUD" of a\.b is no level\. Use one of TRACE, [^]*"no level" is not of[^]*"a<b>=INFO" is not of[^]*root stands twice/,
    );
  });

  it.each([
    [`${KCL}.multilang.config=INFO`, 'values of properties'],
    [`${KCL}.multilang.config.KinesisClientLibConfigurator=INFO`, 'values of properties'],
    [`${KCL}.multilang.GetNextMessageTask=INFO`, 'lines that a child wrote'],
    [`${KCL}.multilang.DrainChildSTDERRTask=ERROR`, 'lines that a child wrote'],
    [`${KCL}.retrieval.AggregatorUtil=ERROR`, 'records'],
    ['software.amazon.awssdk.request=DEBUG', 'requests'],
    ['org.apache.http.wire=DEBUG', 'over the wire'],
    ['io.netty=TRACE', 'over the wire'],
  ])('refuses %s, because it prints %s', (text, why) => {
    expect(() => read(text)).toThrow(why);
  });
});

describe('the levels that logback gets', () => {
  it('keep the loggers that tell secrets down, however loud the rest is', () => {
    const levels = limitedLevels(read(`root=TRACE,${KCL}=TRACE,software.amazon=TRACE`));
    expect(levels.get('root')).toBe('TRACE');
    expect(levels.get(`${KCL}.multilang.config`)).toBe('WARN');
    expect(levels.get(`${KCL}.multilang.DrainChildSTDERRTask`)).toBe('OFF');
    expect(levels.get(`${KCL}.retrieval.AggregatorUtil`)).toBe('OFF');
    expect(levels.get('software.amazon.awssdk')).toBe('INFO');
    expect(levels.get('io.netty')).toBe('INFO');
  });

  it('let the credentials of the SDK be searched for', () => {
    const name = 'software.amazon.awssdk.auth.credentials';
    expect(limitedLevels(read(`${name}=DEBUG`)).get(name)).toBe('DEBUG');
    expect(limitedLevels(read('')).get(name)).toBe('WARN');
  });

  it('stay quieter where the user asks for it', () => {
    const levels = limitedLevels(read(`root=ERROR,${KCL}.coordinator.Scheduler=OFF`));
    expect(levels.get('software.amazon.awssdk')).toBe('ERROR');
    expect(levels.get(`${KCL}.coordinator.Scheduler`)).toBe('OFF');
    expect(levels.get(`${KCL}.leases.HierarchicalShardSyncer`)).toBe('INFO');
  });
});
