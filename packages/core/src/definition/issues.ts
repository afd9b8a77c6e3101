/** The mistakes that can be made in declaring a consumer, and the list that collects them. */
import type { Issue } from '../errors.js';

/** Codes of the issues inside a DefinitionError. Codes stay; texts get better. */
export const DEFINITION_ISSUES = {
  NO_CONSUMER: 'A program was given no consumer to run.',
  NO_HANDLER: 'The consumer handles no records.',
  DUPLICATE_TYPE: 'Two handlers take the same type.',
  DUPLICATE_OTHERWISE: 'Two handlers take what no other takes.',
  DUPLICATE_HOOK: 'One class declares a life-cycle hook twice.',
  DUPLICATE_DECLARATION: 'A declaration that can stand once stands twice in one place.',
  UNREACHABLE_HANDLER: 'A handler stands behind one that takes every record.',
  TYPE_WITHOUT_DISCRIMINATOR: 'A handler routes by type, and the consumer does not say where the type stands.',
  BATCH_AND_RECORD: 'Batch and record handlers stand in one consumer.',
  WINDOW_AND_OTHERS: 'A window handler stands beside other handlers.',
  SEVERAL_BATCH_HANDLERS: 'A consumer has more than one batch handler.',
  UNKNOWN_OPTION: 'An option does not exist.',
  OPTIONS_EXCLUDE: 'Options exclude each other.',
  BAD_VALUE: 'A value is outside what is allowed.',
  MISSING_STREAM: 'The stream is not named.',
  MISSING_APPLICATION_NAME: 'The application is not named.',
  MISSING_NAME: 'A consumer or handler made with defineConsumer has no name.',
  BAD_FILTER: 'A filter pattern cannot be understood, or fits nothing.',
  BAD_SCHEMA: 'A schema is neither a Standard Schema nor a DTO class.',
  DTO_PARAMETER_WITHOUT_SCHEMA: 'A handler takes a class and does not say that payloads are checked against it.',
  PARAMETER_MISMATCH: "A handler's parameter is another class than its schema.",
  PRIVATE_HANDLER: 'A decorated method is private.',
  STATIC_HANDLER: 'A decorated method is static.',
  NOT_A_METHOD: 'A decorated member is no method.',
  POLICY_WITHOUT_HANDLER: 'A retry policy, dead letter or middleware stands on a method that handles no records.',
  DECORATOR_WITHOUT_CONSUMER: 'The class is not declared as a consumer.',
  STANDARD_DECORATORS: 'The compiler is not set to legacy decorators.',
} as const;

export type DefinitionIssueCode = keyof typeof DEFINITION_ISSUES;

/** Where a mistake stands: path for machines, label for people. */
export interface Place {
  /** Class, then member, then option. */
  readonly path: readonly string[];
  /** `OrderMailer.placed (@OnRecord)` */
  readonly label: string;
}

/** A list that grows; every checker gets it and adds to it. */
export class Issues {
  readonly found: Issue[] = [];

  add(code: DefinitionIssueCode, place: Place, text: string): void {
    this.found.push({ code, message: `${place.label}: ${text}`, path: place.path });
  }
}

/** `a, b or c`, quoted. */
export function oneOf(values: readonly string[]): string {
  const quoted = values.map((value) => `'${value}'`);
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`;
}

/** A value as it may stand in a message: short, and never a dump of user data. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 60)}'`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
