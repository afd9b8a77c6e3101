/** The checksum files that a Maven repository keeps beside its artifacts. */
import { reason, type Answer } from './maven-repository.js';
import { retryTransfer, type Outcome, type TransferPorts } from './retry-transfer.js';

export interface Checksum {
  readonly algorithm: 'sha256' | 'sha1';
  /** In lower-case hexadecimal digits. */
  readonly digest: string;
}

const DIGITS = { sha256: 64, sha1: 40 } as const;
/** Some files hold the artifact's name behind the digits. */
const TEXT_MAX_BYTES = 1_024;

/**
 * `.sha256` where there is one, else `.sha1`, which every artifact of Maven Central has.
 *
 * @returns undefined when the signal aborted.
 * @throws MillraceError DOWNLOAD_FAILED when there is neither.
 */
export async function readChecksum(path: string, ports: TransferPorts): Promise<Checksum | undefined> {
  const better = await readOne(path, 'sha256', ports);
  return better === 'absent' ? readLast(path, ports) : better;
}

async function readLast(path: string, ports: TransferPorts): Promise<Checksum | undefined> {
  const last = await readOne(path, 'sha1', ports);
  if (last !== 'absent') return last;
  const why = `${ports.repository.describe(path)} has neither a .sha256 nor a .sha1 file, so nothing could check it; MILLRACE_MAVEN_URL must name a repository that has one, as Maven Central does`;
  return retryTransfer(path, () => Promise.resolve({ kind: 'final', why }), ports);
}

function readOne(
  path: string,
  algorithm: Checksum['algorithm'],
  ports: TransferPorts,
): Promise<Checksum | 'absent' | undefined> {
  const file = `${path}.${algorithm}`;
  const tryOnce = async (): Promise<Outcome<Checksum | 'absent'>> => {
    const answer = await ports.repository.get(file, ports.signal);
    switch (answer.kind) {
      case 'found':
        return readDigest(answer.body, algorithm);
      case 'absent':
        return { kind: 'done', value: 'absent' };
      case 'refused':
        return { kind: 'final', why: answer.why };
      case 'passing':
        return answer;
      default:
        return answer satisfies never;
    }
  };
  return retryTransfer(file, tryOnce, ports);
}

type Body = Extract<Answer, { readonly kind: 'found' }>['body'];

async function readDigest(body: Body, algorithm: Checksum['algorithm']): Promise<Outcome<Checksum>> {
  let text = '';
  try {
    for await (const chunk of body) {
      text += Buffer.from(chunk).toString('latin1');
      if (text.length > TEXT_MAX_BYTES) break;
    }
  } catch (error) {
    return { kind: 'passing', why: `the connection broke: ${reason(error)}`, retryAfterMs: undefined };
  }
  const digest = text.trim().split(/\s/, 1)[0]?.toLowerCase() ?? '';
  const right = new RegExp(`^[\\da-f]{${DIGITS[algorithm]}}$`).test(digest);
  return right
    ? { kind: 'done', value: { algorithm, digest } }
    : { kind: 'wrong', why: `it holds no digits of ${algorithm.toUpperCase()}` };
}
