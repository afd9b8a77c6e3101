import { describe, expect, it } from 'vitest';
import { readMavenSettings } from './maven-settings.js';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('the repository', () => {
  it('is Maven Central, without credentials and proxies', () => {
    expect(readMavenSettings({})).toEqual({
      url: new URL('https://repo1.maven.org/maven2/'),
      authorization: undefined,
      allowHttp: false,
      proxies: { http: '', https: '', except: '' },
    });
  });

  it.each(['https://m.example.com/maven2', 'https://m.example.com/maven2/'])('may be %s', (url) => {
    expect(readMavenSettings({ MILLRACE_MAVEN_URL: url }).url.href).toBe('https://m.example.com/maven2/');
  });

  it.each(['http://localhost:81/', 'http://127.0.0.1:81/', 'http://[::1]:81/'])(
    'may be plain http on this machine: %s',
    (url) => {
      expect(readMavenSettings({ MILLRACE_MAVEN_URL: url }).url.href).toBe(url);
    },
  );

  it('may be plain http where that was allowed', () => {
    const env = { MILLRACE_MAVEN_URL: 'http://m.example.com/', MILLRACE_MAVEN_ALLOW_HTTP: '1' };
    expect(readMavenSettings(env).url.href).toBe('http://m.example.com/');
  });

  it.each([
    ['http://u:secret@m.example.com/', 'is plain http (http://m.example.com/)'],
    ['m.example.com', 'is no URL'],
    ['ftp://u:secret@m.example.com/', 'begins with ftp://'],
    ['https://m.example.com/?token=secret', 'has a query'],
    ['https://m.example.com/#secret', 'or a fragment'],
  ])('is refused, without telling what is secret: %s', (url, message) => {
    const read = () => readMavenSettings({ MILLRACE_MAVEN_URL: url });
    expect(read).toThrow(expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining(message) }));
    expect(read).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
  });
});

describe('credentials', () => {
  it('come from the URL, which loses them', () => {
    const { url, authorization } = readMavenSettings({ MILLRACE_MAVEN_URL: 'https://me:p%40ss@m.example.com/' });
    expect({ url: url.href, authorization }).toEqual({
      url: 'https://m.example.com/',
      authorization: basic('me:p@ss'),
    });
  });

  it('come from variables, which are stronger', () => {
    const env = {
      MILLRACE_MAVEN_URL: 'https://a:b@m.example.com/',
      MILLRACE_MAVEN_USER: 'me',
      MILLRACE_MAVEN_PASSWORD: 'p:w',
    };
    expect(readMavenSettings(env).authorization).toBe(basic('me:p:w'));
  });

  it('may hold a percent sign that escapes nothing', () => {
    expect(readMavenSettings({ MILLRACE_MAVEN_URL: 'https://me:100%@m.example.com/' }).authorization).toBe(
      basic('me:100%'),
    );
  });
});

describe('proxies', () => {
  it('are read in lower case first', () => {
    const env = {
      HTTPS_PROXY: 'http://upper:1',
      https_proxy: 'http://lower:1',
      HTTP_PROXY: 'http://plain:1',
      NO_PROXY: '.internal',
    };
    expect(readMavenSettings(env).proxies).toEqual({
      http: 'http://plain:1',
      https: 'http://lower:1',
      except: '.internal',
    });
  });

  it('that are no URLs are refused by the name of the variable', () => {
    expect(() => readMavenSettings({ HTTPS_PROXY: 'proxy:3128' })).toThrow('HTTPS_PROXY is no http or https URL');
  });
});
