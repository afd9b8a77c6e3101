/** One thing that a look at AWS found before a start. */
import type { Notice } from '../config/resolved.js';
import type { MillraceError } from '../errors.js';

export type FindingArea = 'stream' | 'tables' | 'leases';

export type Finding =
  | { readonly kind: 'problem'; readonly area: FindingArea; readonly error: MillraceError }
  | { readonly kind: 'notice'; readonly area: FindingArea; readonly notice: Notice };

export function problem(area: FindingArea, error: MillraceError): Finding {
  return { kind: 'problem', area, error };
}

export function notice(area: FindingArea, code: string, message: string): Finding {
  return { kind: 'notice', area, notice: { code, message } };
}
