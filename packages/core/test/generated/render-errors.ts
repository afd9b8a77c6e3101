/** Writes the tables of docs/errors.md from the catalogues, and from what the code does with each error. */
import { CONFIGURATION_ISSUES } from '../../src/config/issues.js';
import { DEFINITION_ISSUES } from '../../src/definition/issues.js';
import {
  ERROR_CODES,
  MillraceError,
  RecordInProgressError,
  RetryLaterError,
  type ErrorCode,
} from '../../src/errors.js';
import { exitCodeOf } from '../../src/exit-codes.js';
import { classify } from '../../src/policy/classify.js';
import { escapeCell, renderCodes, renderTable, replacePart } from './markdown.js';

const GENERATED = {
  file: 'docs/errors.md',
  begin: '<!-- generated from the catalogues of errors: npm run generate:errors -->',
  end: '<!-- end of the generated part -->',
};

interface Group {
  readonly title: string;
  /** The group's first code; it goes on to the next group's first, in the order of the catalogue. */
  readonly first: ErrorCode;
  readonly column: 'Run again?' | 'Exit code' | undefined;
}

const GROUPS: readonly Group[] = [
  { title: 'Thrown by handlers to steer', first: 'NON_RETRYABLE', column: 'Run again?' },
  { title: 'Declaring a consumer', first: 'DEFINITION_INVALID', column: 'Exit code' },
  { title: 'Configuration', first: 'CONFIGURATION_INVALID', column: 'Exit code' },
  { title: 'Records', first: 'DECODE_FAILED', column: 'Run again?' },
  { title: 'Checkpoints', first: 'CHECKPOINT_REJECTED', column: undefined },
  { title: 'The channel to the daemon', first: 'PROTOCOL_VIOLATION', column: 'Exit code' },
  { title: 'Dead letters', first: 'SINK_FAILED', column: 'Exit code' },
  { title: 'Running', first: 'ENGINE_UNAVAILABLE', column: 'Exit code' },
  { title: "The daemon's jars", first: 'JARS_MISSING', column: 'Exit code' },
  { title: 'The daemon', first: 'JAVA_UNUSABLE', column: 'Exit code' },
  { title: 'Tests', first: 'TEST_MISUSED', column: undefined },
];

/** The page with its generated part made anew. */
export function renderErrorPage(page: string): string {
  return replacePart(page, GENERATED, renderErrors());
}

function renderErrors(): string {
  return [
    '## Errors',
    ...GROUPS.map((group, index) => renderGroup(group, codesOf(group, GROUPS[index + 1]))),
    '## Mistakes in a declaration',
    renderCodes('The `issues` of a `DefinitionError` have these codes.', DEFINITION_ISSUES),
    '## Mistakes in a configuration',
    renderCodes('The `issues` of a `ConfigurationError` have these codes.', CONFIGURATION_ISSUES),
  ].join('\n\n');
}

/** The groups cover the catalogue from its first code to its last, because each ends where the next begins. */
function codesOf({ first }: Group, next: Group | undefined): readonly ErrorCode[] {
  // Object.keys forgets that the keys are codes.
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  return codes.slice(codes.indexOf(first), next === undefined ? codes.length : codes.indexOf(next.first));
}

function renderGroup({ title, column }: Group, codes: readonly ErrorCode[]): string {
  const rows = codes.map((code) => [
    `\`${code}\``,
    escapeCell(ERROR_CODES[code]),
    ...(column === undefined ? [] : [column === 'Exit code' ? `${exitCodeOf(example(code))}` : runAgain(code)]),
  ]);
  const head = ['Code', 'Meaning', ...(column === undefined ? [] : [column])];
  return `### ${title}\n\n${renderTable(head, rows)}`;
}

function runAgain(code: ErrorCode): string {
  const classification = classify(example(code));
  switch (classification.kind) {
    case 'retryable':
      return classification.delayMs === undefined ? 'yes' : 'yes, after its `delayMs`';
    case 'elsewhere':
      return 'yes, and the wait is no attempt';
    case 'final':
      return 'no';
    case 'stopWorker':
      return 'no, the worker stops';
    default:
      return classification satisfies never;
  }
}

function example(code: ErrorCode): MillraceError {
  if (code === 'RECORD_IN_PROGRESS') return new RecordInProgressError(1, '');
  return code === 'RETRY_LATER' ? new RetryLaterError(1) : new MillraceError(code, '');
}
