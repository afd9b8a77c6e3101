/** What `millrace doctor` found, for people and for programs. Pure. */
import type { Check, CheckState } from './check.js';

export interface CheckGroup {
  /** Undefined: this machine. */
  readonly application: string | undefined;
  readonly checks: readonly Check[];
}

const STATE_WIDTH = 'warning'.length;

export function describeChecks(groups: readonly CheckGroup[]): string {
  const width = Math.max(...groups.flatMap(({ checks }) => checks.map(({ name }) => name.length)));
  const blocks = groups.map(({ application, checks }) => {
    const lines = checks.map((check) => checkLines(check, width));
    return [application === undefined ? 'this machine' : application, ...lines].join('\n');
  });
  return `${[...blocks, summary(groups)].join('\n\n')}\n`;
}

function checkLines({ name, state, text, mend }: Check, width: number): string {
  const indent = ' '.repeat(2 + STATE_WIDTH + 2 + width + 2);
  const body = [text, ...(mend === undefined ? [] : [mend])].join('\n').replaceAll('\n', `\n${indent}`);
  return `  ${state.padEnd(STATE_WIDTH)}  ${name.padEnd(width)}  ${body}`;
}

function summary(groups: readonly CheckGroup[]): string {
  const errors = countOf(groups, 'error');
  const warnings = countOf(groups, 'warning');
  if (errors + warnings === 0) return 'Everything is as it should be.';
  return `${counted(errors, 'error')}, ${counted(warnings, 'warning')}.`;
}

export function countOf(groups: readonly CheckGroup[], wanted: CheckState): number {
  return groups.flatMap(({ checks }) => checks).filter(({ state }) => state === wanted).length;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** The same as plain data. */
export function summarizeChecks(groups: readonly CheckGroup[]) {
  return groups.map(({ application, checks }) => ({
    application: application ?? null,
    checks: checks.map(({ name, state, text, mend }) => ({ name, state, text, mend: mend ?? null })),
  }));
}
