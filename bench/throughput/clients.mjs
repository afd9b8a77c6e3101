/** Who is measured, and how each is started. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findKclpy } from './kclpy.mjs';

const program = (name) => fileURLToPath(new URL(`../clients/${name}`, import.meta.url));

/** Costs every start of Node 20 some 70 ms, and says nothing about anybody here. */
const CLEAN = { NODE_EXTRA_CA_CERTS: undefined };

export function millrace(mode, node) {
  const client = nodeClient(mode === 'record' ? 'millrace' : `millrace-${mode}`, 'millrace.mjs', node);
  return { ...client, env: { ...client.env, MILLRACE_ENGINE: 'stdio', BENCH_MODE: mode } };
}

/** Its handler awaits something for so long, with so many lanes. */
export function waitingMillrace(lanes, waitMs, node) {
  const client = millrace('wait', node);
  const env = { ...client.env, BENCH_LANES: String(lanes), BENCH_WAIT_MS: String(waitMs) };
  return { ...client, name: lanes === 1 ? 'millrace, in turn' : `millrace, ${lanes} lanes`, env, runsAhead: lanes > 1 };
}

export function waitingAwsKcl(waitMs, node) {
  const client = awsKcl(node);
  return { ...client, name: 'aws-kcl, in turn', env: { ...client.env, BENCH_WAIT_MS: String(waitMs) } };
}

/** A class with an injected service and a DTO. */
export function millraceApp(node) {
  const client = nodeClient('millrace, DI and a DTO', 'millrace-app.mjs', node);
  return { ...client, env: { ...client.env, MILLRACE_ENGINE: 'stdio' } };
}

export const bareValidator = (node) => nodeClient('limit with class-validator', 'bare-validator.mjs', node);
export const awsKcl = (node) => nodeClient('aws-kcl', 'aws-kcl.cjs', node);
export const limit = (node) => nodeClient('limit', 'limit.mjs', node);

/** Undefined where it cannot be installed. */
export function kclpy() {
  const folder = findKclpy();
  if (folder === undefined) return undefined;
  const env = { ...CLEAN, PYTHONPATH: folder };
  // Not the shim of a version manager, which would be a shell before it is Python.
  const command = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  return { name: 'amazon_kclpy', command, args: [program('kclpy.py')], env };
}

/** The same client with its garbage collections counted; not for times. */
export function countingGc(client) {
  if (client.name === 'amazon_kclpy') return undefined;
  const counter = new URL('../clients/gc-share.mjs', import.meta.url).href;
  return { ...client, args: ['--import', counter, ...client.args] };
}

function nodeClient(name, file, node = process.execPath) {
  return { name, command: node, args: [program(file)], env: CLEAN };
}

/** The program of another release of Node, fetched through npm once: `24` gives a path. */
export function findNode(release) {
  if (release === process.versions.node.split('.')[0]) return process.execPath;
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
  try {
    return execFileSync('npx', ['-y', '-p', `node@${release}`, '-c', 'command -v node'], options).trim();
  } catch {
    console.error(`\n*** SKIPPED: Node ${release} cannot be installed here.\n`);
    return undefined;
  }
}
