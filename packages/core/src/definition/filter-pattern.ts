/** What may be written in `@Filter`: the filter patterns of Lambda's event source mappings, as types. */

/** Which records are handled: every part that is named must fit. */
export interface FilterPattern {
  /** The decoded payload: its fields, or values when it is a text or another single value. */
  readonly data?: FilterFields | FilterValues;
  readonly partitionKey?: FilterValues;
  /** One of these has to fit as well. */
  readonly $or?: readonly FilterPattern[];
}

/** Fields of an object. All of them must fit; `$or` is a list of alternatives, of which one must. */
export interface FilterFields {
  readonly [field: string]: FilterFields | FilterValues | readonly FilterFields[];
}

/** One of these must fit. Of an array in the payload, one element has to. */
export type FilterValues = readonly FilterValue[];

export type FilterValue =
  | null
  | string
  | number
  | boolean
  /** Whether the field is there with a value that is neither an object nor an empty array. */
  | { readonly exists: boolean }
  | { readonly prefix: string | FilterIgnoreCase }
  | { readonly suffix: string | FilterIgnoreCase }
  | FilterIgnoreCase
  | { readonly numeric: FilterRange }
  /** Any value but these. */
  | { readonly 'anything-but': string | number | readonly string[] | readonly number[] | FilterTexts };

export interface FilterIgnoreCase {
  readonly 'equals-ignore-case': string;
}

export type FilterTexts =
  | { readonly prefix: string | readonly string[] }
  | { readonly suffix: string | readonly string[] }
  | { readonly 'equals-ignore-case': string | readonly string[] };

/** `['>', 0, '<=', 100]` */
export type FilterRange =
  | readonly [comparison: '=' | '<' | '<=' | '>' | '>=', bound: number]
  | readonly [above: '>' | '>=', lower: number, below: '<' | '<=', upper: number];
