/** Where the partition key of a sent record comes from. */

export type KeyRule =
  /** A new key for every record: they spread over the shards. */
  | { readonly kind: 'random' }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'literal'; readonly key: string };

export type RecordKey =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'invalid'; readonly why: string };

/** Kinesis takes 1 to 256 characters. */
const KEY_CHARACTERS_MAX = 256;

/** `random`, `field:customer.id` or `literal:some key`; undefined for anything else. */
export function parseKeyRule(text: string): KeyRule | undefined {
  if (text === 'random') return { kind: 'random' };
  const [, kind, value = ''] = /^(field|literal):(.+)$/s.exec(text) ?? [];
  if (kind === 'literal') return isUsable(value) ? { kind, key: value } : undefined;
  const path = value.split('.');
  return kind === 'field' && !path.includes('') ? { kind, path } : undefined;
}

/** The key of one record; `value` is its parsed JSON, undefined where it is not JSON. */
export function keyOf(rule: KeyRule, value: unknown, randomKey: () => string): RecordKey {
  switch (rule.kind) {
    case 'random':
      return { kind: 'key', key: randomKey() };
    case 'literal':
      return { kind: 'key', key: rule.key };
    case 'field':
      return fieldKey(rule.path, value);
    default:
      return rule satisfies never;
  }
}

function fieldKey(path: readonly string[], value: unknown): RecordKey {
  const found = path.reduce<unknown>((current, name) => memberOf(current, name), value);
  const name = path.join('.');
  if (found === undefined) return { kind: 'invalid', why: `has no field "${name}", which --key asks for` };
  const key = typeof found === 'number' || typeof found === 'boolean' ? String(found) : found;
  if (typeof key !== 'string')
    return { kind: 'invalid', why: `has no text or number in "${name}", which --key asks for` };
  if (isUsable(key)) return { kind: 'key', key };
  return {
    kind: 'invalid',
    why: `has ${key.length} characters in "${name}"; a partition key has 1 to ${KEY_CHARACTERS_MAX}`,
  };
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function isUsable(key: string): boolean {
  return key.length >= 1 && key.length <= KEY_CHARACTERS_MAX;
}
