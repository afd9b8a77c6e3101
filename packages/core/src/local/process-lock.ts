/**
 * One process at a time may own a file, and a killed owner must not keep its successor waiting for a second.
 *
 * Each contender puts down a claim: an empty file beside the locked one whose name says who it is (process id, birth,
 * host). Then it looks at the others' claims. Who claims later sees the earlier claim, so two owners are impossible;
 * two who come at the same instant both step back and try again. The claim of a dead process is removed by whoever
 * meets it, which cannot hit anybody else: its name belongs to that one process for ever.
 *
 * Lock libraries that go by a heartbeat make a restart wait until the dead owner's lock is stale, and take the lock
 * from an owner whose event loop was blocked too long: two workers would then write checkpoints.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTickOf } from './process-birth.js';

export type LockAttempt =
  | { readonly kind: 'acquired'; readonly lock: ProcessLock }
  /** `elsewhere`: the owner is on another host, so whether it is alive cannot be seen from here. */
  | {
      readonly kind: 'held';
      readonly pid: number;
      readonly host: string;
      readonly claim: string;
      readonly elsewhere: boolean;
    };

export interface ProcessLock {
  release(): Promise<void>;
}

interface Claim {
  readonly pid: number;
  readonly birth: string;
  readonly host: string;
  readonly file: string;
}

const ATTEMPTS = 5;
const STEP_BACK_MS = 40;
/** Where the operating system does not tell when a process was born, this tells us from a dead process with our id. */
const BIRTH_TOKEN = randomBytes(6).toString('hex');

/** Claims `file` for this process. Never waits for a living owner. */
export async function lockForThisProcess(file: string): Promise<LockAttempt> {
  const claim = ownClaim(file);
  for (let attempt = 1; ; attempt += 1) {
    if (!(await putDown(claim.file))) return { kind: 'held', ...claim, claim: claim.file, elsewhere: false };
    const rival = await livingRival(file, claim);
    if (rival === undefined) return { kind: 'acquired', lock: { release: () => rm(claim.file, { force: true }) } };
    await rm(claim.file, { force: true });
    const elsewhere = rival.host !== claim.host;
    if (elsewhere || attempt === ATTEMPTS) return { kind: 'held', ...rival, claim: rival.file, elsewhere };
    await sleep(Math.random() * STEP_BACK_MS * attempt);
  }
}

/** False when this very process holds the claim already. */
async function putDown(claimFile: string): Promise<boolean> {
  try {
    const handle = await open(claimFile, 'wx');
    await handle.close();
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function livingRival(file: string, own: Claim): Promise<Claim | undefined> {
  let found: Claim | undefined;
  for (const name of await readdir(dirname(file))) {
    const claim = parseClaim(file, name);
    if (claim === undefined || claim.file === own.file) continue;
    if (claim.host !== own.host || isAlive(claim)) found = claim;
    else await rm(claim.file, { force: true });
  }
  return found;
}

function ownClaim(file: string): Claim {
  const birth = birthOf(process.pid) ?? BIRTH_TOKEN;
  const host = hostname();
  return { pid: process.pid, birth, host, file: `${file}.lock.${process.pid}.${birth}.${encodeURIComponent(host)}` };
}

function parseClaim(file: string, name: string): Claim | undefined {
  const prefix = `${basename(file)}.lock.`;
  const match = name.startsWith(prefix) ? /^(\d+)\.([\da-f-]+)\.(.+)$/.exec(name.slice(prefix.length)) : null;
  if (match === null) return undefined;
  const [, pid = '', birth = '', host = ''] = match;
  return { pid: Number(pid), birth, host: decodeURIComponent(host), file: join(dirname(file), name) };
}

function isAlive(claim: Claim): boolean {
  if (process.platform === 'linux') return birthOf(claim.pid) === claim.birth;
  // Our id, but not our claim: the process that wrote it is gone and the id came to us.
  if (claim.pid === process.pid) return claim.birth === BIRTH_TOKEN;
  try {
    process.kill(claim.pid, 0);
    return true;
  } catch (error) {
    return !isErrno(error, 'ESRCH');
  }
}

/** When a process started, with the boot it belongs to; undefined for dead processes, zombies, and without /proc. */
function birthOf(pid: number): string | undefined {
  const tick = startTickOf(pid);
  if (tick === undefined) return undefined;
  return `${tick}-${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)}`;
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
