/** What reading one value ends in. */
import type { ConfigurationIssueCode } from './issues.js';

export type ParsedValue =
  /** As it stands in the daemon's file. */
  | { readonly kind: 'ok'; readonly text: string }
  /** `problem` goes on from "name = value": what is wrong and how to mend it. `secret`: the value must not be shown. */
  | { readonly kind: 'bad'; readonly code: ConfigurationIssueCode; readonly problem: string; readonly secret: boolean };

export function good(text: string): ParsedValue {
  return { kind: 'ok', text };
}

export function bad(code: ConfigurationIssueCode, problem: string): ParsedValue {
  return { kind: 'bad', code, problem, secret: false };
}
