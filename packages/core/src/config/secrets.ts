/** The daemon logs every value it reads, so nothing that looks like a secret may get there. */

/** What kind of secret a value seems to hold, in words for a message; undefined when it seems to hold none. */
export function findSecret(value: string): string | undefined {
  if (/(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])/.test(value)) return 'an AWS access key';
  if (/aws_secret|aws_?secret_?access|aws_?session_?token/i.test(value)) return 'AWS credentials';
  if (/(?:^|[^a-z])(?:secret|password|passwd|token)[a-z_]{0,24}\s{0,4}=/i.test(value)) return 'a named secret';
  if (/:\/\/[^/?#@\s]{0,256}:[^/?#@\s]{1,256}@/.test(value)) return 'a password in a URL';
  if (value.includes('-----BEGIN')) return 'a private key';
  return tokens(value).some((token) => looksRandom(token)) ? 'a secret key' : undefined;
}

/** AWS secret keys have 40 characters of this alphabet, session tokens more. */
function tokens(value: string): readonly string[] {
  return value.split(/[^A-Za-z0-9+/=]+/).filter((token) => token.length >= 40);
}

const RANDOM_CHANGES_MIN = 0.4;

/**
 * Random text changes between upper case, lower case and digits about every second character; words, paths and class names do
 * so rarely.
 */
function looksRandom(token: string): boolean {
  if (!/[a-z]/.test(token) || !/[A-Z]/.test(token) || !/\d/.test(token)) return false;
  let changes = 0;
  let last = '';
  for (const character of token) {
    const kind = kindOf(character);
    if (last !== '' && kind !== last) changes += 1;
    last = kind;
  }
  return changes / (token.length - 1) >= RANDOM_CHANGES_MIN;
}

function kindOf(character: string): string {
  if (character >= 'a' && character <= 'z') return 'lower';
  if (character >= 'A' && character <= 'Z') return 'upper';
  return character >= '0' && character <= '9' ? 'digit' : 'sign';
}
