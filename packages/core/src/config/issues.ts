/** Every mistake and every notice of the configuration has a code of its own; the docs page lists them from here. */
import type { Issue } from '../errors.js';
import type { Notice } from './resolved.js';

export const CONFIGURATION_ISSUES = {
  UNKNOWN_PROPERTY: 'The name is neither a property of the daemon nor an option of Millrace.',
  WRONG_CASE:
    'The name differs from a known one in upper and lower case or in separators only; the daemon would ignore it.',
  WRONG_TYPE: 'The value is not of the type of the property; the daemon would read a zero or a `false` without a word.',
  OUT_OF_RANGE: 'The number lies outside of what the daemon takes or of what works.',
  BAD_ENUM: 'The value is none of the possible ones.',
  CONTROL_CHARACTER:
    'The value has a control character, a line feed for example, that could smuggle another property into the file.',
  SECRET_IN_VALUE: 'The value looks like a secret; the daemon logs every value it reads.',
  ILLEGAL_COMBINATION: 'Two settings cannot work together.',
  REFUSED_PROPERTY: 'The property cannot be given in a properties file.',
  REMOVED_PROPERTY: 'The property belongs to an earlier KCL and has no counterpart.',
  NEWER_KCL: 'The property or value needs a later KCL than the one in use.',
  MISSING: 'Something that has no default was not given.',
  BAD_APPLICATION_NAME: 'The application name cannot name a DynamoDB table.',
  BAD_STREAM_NAME: 'No stream can have this name.',
  BAD_CREDENTIALS_PROVIDER: 'The credentials provider cannot be built from a properties file.',
  MALFORMED_FILE: 'Java would refuse to read the properties file.',
  DUPLICATE_APPLICATION_NAME: 'Two consumers of one program have the same application name, and so one lease table.',
  REGION_MISSING: 'No AWS region was given, and the local engine needs one.',
  FOLDER_UNUSABLE: 'A folder that was named cannot be made or written to.',
  ONE_CHECKPOINT_FILE: 'One checkpoint file was named for several consumers.',
  BAD_LOG_LEVEL: 'A part of MILLRACE_DAEMON_LOG is no level of a logger, or is louder than the logger may be.',
  OPTIONS_FAILED: 'The function that gives the options of a consumer threw, or gave something that is not an object.',
} as const;

export type ConfigurationIssueCode = keyof typeof CONFIGURATION_ISSUES;

export const CONFIGURATION_NOTICES = {
  NO_EFFECT: 'KCL 3 accepts the value and does nothing with it.',
  SET_BY_MILLRACE: 'Millrace sets the property itself; the given value is not used.',
  CARRIED_OUT_BY_MILLRACE: 'The daemon ignores the property; Millrace does what it promises.',
  CREDENTIALS_TRANSLATED: 'A credentials provider of the AWS SDK for Java 1 was replaced by its successor.',
  STS_REGION_ADDED: 'The region was added to the arguments of an assume-role provider, which has none of its own.',
  STARTS_AT_LATEST: 'Records that arrive before the first checkpoint of a shard can be missed.',
  FIXED_THREAD_POOL:
    'The thread pool of the daemon is fixed and stands still when more shards are assigned than it has threads for.',
  TIMEOUT_HALTS_DAEMON: 'One slow message of one shard ends the whole daemon.',
  STREAM_ARN_REDUCED: 'Only the name of the stream ARN counts; the account is the one of the credentials.',
  OTHER_RETRIEVAL_MODE: 'A property of polling was given with fan-out, or the reverse; it has no effect.',
  DUPLICATE_KEY: 'A key stands twice in the properties file; the last one counts.',
  UNSCOPED_VARIABLE: 'The program has several consumers, so a variable must name the application.',
  UNKNOWN_VARIABLE: 'A MILLRACE_ variable names nothing, but is close to one that does.',
} as const;

export type ConfigurationNoticeCode = keyof typeof CONFIGURATION_NOTICES;

/** Gathers what is wrong and what is to be said, so that all of it comes at once. */
export class Findings {
  readonly issues: Issue[] = [];
  readonly notices: Notice[] = [];
  private readonly consumer: string;

  constructor(consumer: string) {
    this.consumer = consumer;
  }

  /** `name`: the property, option or file that the mistake is in. */
  issue(code: ConfigurationIssueCode, name: string, message: string): void {
    this.issues.push({ code, message, path: [this.consumer, name] });
  }

  notice(code: ConfigurationNoticeCode, message: string): void {
    this.notices.push({ code, message });
  }
}

/** A value in a message: quoted, bounded, with control characters made visible. */
export function quote(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  const text = safeJson(value);
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // A value that refers to itself still has to be named in a message.
    return Object.prototype.toString.call(value);
  }
}
