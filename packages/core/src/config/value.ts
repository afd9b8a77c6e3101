/** Reads one value, typed or text, into the text that stands in the daemon's file; never guesses as the daemon does. */
import { parseDecimal, parseDouble, parseInteger } from './numbers.js';
import type { ConfigurationIssueCode } from './issues.js';
import type { ParsedValue } from './parsed-value.js';
import { bad, good } from './parsed-value.js';
import type { PropertyType } from './property-spec.js';
import { findSecret } from './secrets.js';
import { parsePosition, parseTimestamp } from './start-position.js';

export function parseValue(type: PropertyType, raw: unknown): ParsedValue {
  const forbidden = findForbidden(raw);
  return forbidden ?? parseTyped(type, typeof raw === 'string' ? raw.trim() : raw);
}

/** Control characters and secrets are refused whatever the type, before a value is shown anywhere. */
function findForbidden(raw: unknown): ParsedValue | undefined {
  for (const text of textsOf(raw)) {
    const secret = findSecret(text);
    if (secret !== undefined) {
      const problem = `seems to hold ${secret}, and the daemon logs every value it reads. Take it out and let a credentials provider find it (AwsCredentialsProvider).`;
      return { kind: 'bad', code: 'SECRET_IN_VALUE', problem, secret: true };
    }
    const control = /[\p{Cc}\u2028\u2029]/u.exec(text);
    if (control !== null) {
      const code = (control[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      return bad(
        'CONTROL_CHARACTER',
        `has the control character U+${code} at position ${control.index}. Take it out; a line feed could add another property to the file.`,
      );
    }
  }
  return undefined;
}

function textsOf(raw: unknown): readonly string[] {
  if (typeof raw === 'string') return [raw];
  if (Array.isArray(raw)) return raw.filter((item) => typeof item === 'string');
  if (typeof raw !== 'object' || raw === null) return [];
  return Object.entries(raw).flatMap(([key, value]) =>
    typeof value === 'string' ? [key, value, `${key}=${value}`] : [key],
  );
}

function parseTyped(type: PropertyType, raw: unknown): ParsedValue {
  switch (type.kind) {
    case 'integer':
      return parseInteger(type, raw);
    case 'double':
      return parseDouble(type, raw);
    case 'boolean':
      return parseBoolean(raw);
    case 'enum':
      return parseEnum(type, raw);
    case 'list':
      return parseList(raw);
    case 'tags':
      return parseTags(raw);
    case 'position':
      return parsePosition(raw);
    case 'timestamp':
      return parseTimestamp(raw);
    case 'builder':
      return typeof raw === 'number' ? parseDecimal(raw) : parseText(typeof raw === 'boolean' ? String(raw) : raw);
    case 'string':
    case 'credentials':
    case 'streamName':
    case 'streamArn':
    case 'applicationName':
    case 'tableName':
    case 'region':
    case 'uri':
    case 'duration':
      return parseShaped(type.kind, parseText(raw));
    default:
      return type satisfies never;
  }
}

function parseText(raw: unknown): ParsedValue {
  if (typeof raw !== 'string') return bad('WRONG_TYPE', 'is not a text. Write it in quotes.');
  return raw === '' ? bad('WRONG_TYPE', 'is empty. Give it a value or leave it out.') : good(raw);
}

type Shape =
  | 'string'
  | 'credentials'
  | 'streamName'
  | 'streamArn'
  | 'applicationName'
  | 'tableName'
  | 'region'
  | 'uri'
  | 'duration';

function parseShaped(shape: Shape, parsed: ParsedValue): ParsedValue {
  if (parsed.kind === 'bad') return parsed;
  const problem = checkShape(shape, parsed.text);
  if (problem === undefined) return parsed;
  return bad(SHAPE_CODES[shape] ?? 'WRONG_TYPE', problem);
}

const SHAPE_CODES: Partial<Record<Shape, ConfigurationIssueCode>> = {
  streamName: 'BAD_STREAM_NAME',
  applicationName: 'BAD_APPLICATION_NAME',
};

const DURATION = /^P(?=\d|T\d)(?:\d{1,15}D)?(?:T(?=\d)(?:\d{1,15}H)?(?:\d{1,15}M)?(?:\d{1,15}(?:\.\d{0,9})?S)?)?$/i;

/** What is wrong with the shape of a text; undefined when nothing is. */
function checkShape(shape: Shape, text: string): string | undefined {
  switch (shape) {
    case 'string':
    case 'credentials':
      return undefined;
    case 'streamName':
      return /^[A-Za-z0-9_.-]{1,128}$/.test(text)
        ? undefined
        : 'cannot name a stream. A stream name has 1 to 128 letters, digits, dots, hyphens and underscores.';
    case 'streamArn':
      return parseStreamArn(text) === undefined
        ? 'is not the ARN of a stream. Write arn:aws:kinesis:<region>:<account>:stream/<name>.'
        : undefined;
    case 'applicationName':
    case 'tableName':
      return /^[A-Za-z0-9_.-]{3,255}$/.test(text)
        ? undefined
        : 'cannot name a DynamoDB table. A table name has 3 to 255 letters, digits, dots, hyphens and underscores.';
    case 'region':
      return /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text)
        ? undefined
        : 'is not a region. Write it as AWS does, for example eu-central-1.';
    case 'uri':
      return /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text)
        ? undefined
        : 'is not a URL. Write http:// or https:// and a host.';
    case 'duration':
      return DURATION.test(text)
        ? undefined
        : 'is not an ISO-8601 duration. Write P1D for a day or PT15M for a quarter of an hour.';
    default:
      return shape satisfies never;
  }
}

export interface StreamArn {
  readonly region: string;
  readonly account: string;
  readonly stream: string;
}

export function parseStreamArn(text: string): StreamArn | undefined {
  const match = /^arn:aws[a-z-]{0,20}:kinesis:([a-z0-9-]{1,32}):(\d{12}):stream\/([A-Za-z0-9_.-]{1,128})$/.exec(text);
  const [, region, account, stream] = match ?? [];
  return region === undefined || account === undefined || stream === undefined
    ? undefined
    : { region, account, stream };
}

function parseBoolean(raw: unknown): ParsedValue {
  if (typeof raw === 'boolean') return good(String(raw));
  const text = typeof raw === 'string' ? raw.toLowerCase() : undefined;
  if (text === 'true' || text === 'false') return good(text);
  return bad('WRONG_TYPE', 'is neither true nor false; the daemon would guess. Write true or false.');
}

function parseEnum(type: PropertyType & { readonly kind: 'enum' }, raw: unknown): ParsedValue {
  const given = typeof raw === 'string' ? raw.toLowerCase() : undefined;
  const known = type.values.find((value) => value.toLowerCase() === given);
  if (known !== undefined) return good(known);
  if (type.newer.some((value) => value.toLowerCase() === given)) {
    return bad('NEWER_KCL', `needs KCL 3.5; this one knows ${listValues(type.values)}.`);
  }
  return bad('BAD_ENUM', `is not possible. Write ${listValues(type.values)}.`);
}

function listValues(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.slice(-1).join('')}`;
}

function parseList(raw: unknown): ParsedValue {
  const items: readonly unknown[] = typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : [undefined];
  const texts = items.map((item) => (typeof item === 'string' ? item.trim() : ''));
  if (texts.length === 0 || texts.includes(''))
    return bad('WRONG_TYPE', 'is not a list of texts. Write an array, or items separated by commas.');
  if (texts.some((item) => item.includes(',')))
    return bad('WRONG_TYPE', 'has an item with a comma in it, which separates items in the file.');
  return good(texts.join(','));
}

function parseTags(raw: unknown): ParsedValue {
  const pairs =
    typeof raw === 'string' ? raw.split(',').map((pair) => pair.split('=').map((part) => part.trim())) : pairsOf(raw);
  const isTag = (pair: readonly unknown[]) =>
    pair.length === 2 && pair.every((part) => typeof part === 'string' && /^[^,=]+$/.test(part));
  if (pairs === undefined || pairs.length === 0 || !pairs.every((pair) => isTag(pair))) {
    return bad(
      'WRONG_TYPE',
      'is not a list of tags; the daemon would drop what it cannot read. Write { team: "orders" } or team=orders,stage=test, without commas and equals signs inside.',
    );
  }
  return good(pairs.map((pair) => pair.join('=')).join(','));
}

function pairsOf(raw: unknown): readonly (readonly unknown[])[] | undefined {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? Object.entries(raw) : undefined;
}
