/** Files of a Maven repository over HTTP: proxies, credentials for one origin, redirects that never lose encryption. */
import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { toError } from '../errors.js';
import { mayUse, type MavenSettings } from './maven-settings.js';

export interface MavenRepository {
  /** Never rejects: every way a request can fail is an answer. */
  get(path: string, signal: AbortSignal): Promise<Answer>;
  /** Where a path is, for people; without credentials. */
  describe(path: string): string;
  close(): Promise<void>;
}

export type Answer =
  | { readonly kind: 'found'; readonly body: AsyncIterable<Uint8Array>; dismiss(): Promise<void> }
  | { readonly kind: 'absent'; readonly why: string }
  /** Trying again would give the same. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'passing'; readonly why: string; readonly retryAfterMs: number | undefined };

export interface Timeouts {
  readonly connectMs: number;
  /** The longest silence before and within an answer. */
  readonly silenceMs: number;
}

const TIMEOUTS: Timeouts = { connectMs: 10_000, silenceMs: 30_000 };
const REDIRECTS_MAX = 5;
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

export function openMavenRepository(settings: MavenSettings, timeouts: Timeouts = TIMEOUTS): MavenRepository {
  const { proxies, url } = settings;
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: proxies.http,
    httpsProxy: proxies.https,
    noProxy: proxies.except,
    connect: { timeout: timeouts.connectMs },
    headersTimeout: timeouts.silenceMs,
    bodyTimeout: timeouts.silenceMs,
  });
  return {
    get: (path, signal) => getFollowing(new URL(path, url), { settings, dispatcher, signal }),
    describe: (path) => place(new URL(path, url)),
    // Connections that a failure left half way are not waited for.
    close: () => dispatcher.destroy(),
  };
}

interface Request {
  readonly settings: MavenSettings;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
}

async function getFollowing(start: URL, options: Request): Promise<Answer> {
  let url = start;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const response = await getOnce(url, options);
    if ('kind' in response) return response;
    const { statusCode, headers, body } = response;
    if (statusCode === 200) return { kind: 'found', body, dismiss: () => body.dump() };
    await body.dump();
    const location = redirectOf(statusCode, headers);
    if (location === undefined) return failure(statusCode, { url, headers, settings: options.settings });
    if (!URL.canParse(location, url.href)) return refuse(`${place(url)} redirects to something that is no URL`);
    const next = new URL(location, url);
    if (!mayUse(next, options.settings.allowHttp)) {
      return refuse(`${place(url)} redirects to ${place(next)}, which is not https; nothing was sent there`);
    }
    url = next;
  }
  return refuse(`${place(start)} redirects more than ${REDIRECTS_MAX} times`);
}

async function getOnce(url: URL, { settings, dispatcher, signal }: Request): Promise<Dispatcher.ResponseData | Answer> {
  const { authorization } = settings;
  // Credentials are for the repository, not for whoever it redirects to.
  const known = url.origin === settings.url.origin && authorization !== undefined;
  const headers = { 'user-agent': 'millrace', ...(known ? { authorization } : {}) };
  try {
    // Credentials inside a redirect's URL are none of ours to pass on, and undici refuses them.
    return await request(withoutCredentials(url).href, { dispatcher, signal, headers });
  } catch (error) {
    return { kind: 'passing', why: `${url.host} cannot be reached: ${reason(error)}`, retryAfterMs: undefined };
  }
}

type Headers = Dispatcher.ResponseData['headers'];

function redirectOf(statusCode: number, headers: Headers): string | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined;
  return single(headers['location']);
}

interface Failed {
  readonly url: URL;
  readonly headers: Headers;
  readonly settings: MavenSettings;
}

function failure(statusCode: number, { url, headers, settings }: Failed): Answer {
  const answered = `${place(url)} answered ${statusCode}`;
  if (statusCode === 404 || statusCode === 410) return { kind: 'absent', why: answered };
  if (statusCode === 401 || statusCode === 403) {
    const mend =
      settings.authorization === undefined
        ? 'set MILLRACE_MAVEN_USER and MILLRACE_MAVEN_PASSWORD'
        : 'it does not take the credentials that were given';
    return refuse(`${answered}: ${mend}`);
  }
  if (!PASSING.has(statusCode)) return refuse(answered);
  return { kind: 'passing', why: answered, retryAfterMs: retryAfterMs(single(headers['retry-after'])) };
}

/** In seconds; the form with a date is left to our own delays. */
function retryAfterMs(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;
}

function refuse(why: string): Answer {
  return { kind: 'refused', why };
}

/** Queries of redirects carry signatures, and URLs may carry passwords: neither belongs into a message. */
function place(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function withoutCredentials(url: URL): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Several addresses fail as one AggregateError without a message. */
export function reason(error: unknown): string {
  const { message, name, cause } = toError(error);
  const first: unknown = error instanceof AggregateError ? error.errors[0] : cause;
  const text = message === '' ? name : message;
  return first instanceof Error && first.message !== '' && !text.includes(first.message)
    ? `${text} (${first.message})`
    : text;
}
