/** Which Maven repository the jars come from, and what may be sent to it. */
import type { Environment } from '../definition/definition.js';
import { MillraceError } from '../errors.js';

export interface MavenSettings {
  /** Ends in a slash and holds no credentials. */
  readonly url: URL;
  /** The value of an Authorization header, for this origin alone. */
  readonly authorization: string | undefined;
  /** True lets plain http pass everywhere; to this machine itself it always passes. */
  readonly allowHttp: boolean;
  readonly proxies: Proxies;
}

/** As every tool reads them from the environment, lower case first. Empty texts mean none. */
export interface Proxies {
  readonly http: string;
  readonly https: string;
  readonly except: string;
}

export const MAVEN_CENTRAL = 'https://repo1.maven.org/maven2/';

/** @throws MillraceError INPUT_INVALID; its message repeats no credentials. */
export function readMavenSettings(env: Environment): MavenSettings {
  const url = readUrl(env['MILLRACE_MAVEN_URL'] || MAVEN_CENTRAL);
  const user = env['MILLRACE_MAVEN_USER'] || decode(url.username);
  const password = env['MILLRACE_MAVEN_PASSWORD'] || decode(url.password);
  url.username = '';
  url.password = '';
  const allowHttp = env['MILLRACE_MAVEN_ALLOW_HTTP'] === '1';
  if (!mayUse(url, allowHttp)) {
    throw invalid(
      `MILLRACE_MAVEN_URL is plain http (${url.href}), where anybody on the way can read credentials and send other bytes. Use https, or set MILLRACE_MAVEN_ALLOW_HTTP=1 if the network is yours.`,
    );
  }
  return { url, authorization: basic(user, password), allowHttp, proxies: readProxies(env) };
}

/** Whether a request may go there at all: https, or http where it was allowed or stays on this machine. */
export function mayUse(url: URL, allowHttp: boolean): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && (allowHttp || LOOPBACK.has(url.hostname));
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

function readUrl(text: string): URL {
  if (!URL.canParse(text)) {
    throw invalid('MILLRACE_MAVEN_URL is no URL. Give one such as https://repository.example.com/maven2/.');
  }
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) {
    throw invalid(`MILLRACE_MAVEN_URL begins with ${url.protocol}// where only https:// and http:// can be used.`);
  }
  if (url.search !== '' || url.hash !== '') {
    throw invalid(
      'MILLRACE_MAVEN_URL has a query or a fragment; give the folder that the groups of artifacts stand in.',
    );
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function basic(user: string, password: string): string | undefined {
  if (user === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** A percent sign that begins no escape stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function readProxies(env: Environment): Proxies {
  const read = (name: string): string => env[name.toLowerCase()] || env[name] || '';
  return {
    http: readProxy(read('HTTP_PROXY'), 'HTTP_PROXY'),
    https: readProxy(read('HTTPS_PROXY'), 'HTTPS_PROXY'),
    except: read('NO_PROXY'),
  };
}

function readProxy(text: string, name: string): string {
  if (text === '' || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))) return text;
  throw invalid(`${name} is no http or https URL. Give one such as http://proxy.example.com:3128, or unset it.`);
}

function invalid(message: string): MillraceError {
  return new MillraceError('INPUT_INVALID', message);
}
