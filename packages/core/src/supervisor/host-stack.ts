/**
 * Where the event loop of a host stands that does not answer any more. Nobody inside can tell, so Node's inspector is opened
 * from outside (SIGUSR1), asked, and closed again. Whoever reaches an inspector can do in the host what he likes, therefore:
 *
 * I1 It listens on 127.0.0.1 alone, at a port that the system chooses: the host was started so (inspector-options.ts).
 * I2 It is closed by the host itself, in the same pause in which it is asked: a fraction of a second after it was opened.
 * I3 It is opened only while the host computes. One that waits in the system would open it and could not close it.
 * I4 Nothing is sent to a host whose program has a listener for SIGUSR1 of its own, or none of Node's.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { request, WebSocket } from 'undici';

export const NO_STACK = '    (it stands in native code, where no stack can be taken)';
const OPENED_WITHIN_MS = 1_000;
/** Code that is not JavaScript (a native call) lets nobody look inside. */
const PAUSED_WITHIN_MS = 1_000;
const LOOKS = 10;
const LOOK_EVERY_MS = 20;
const FRAMES_MAX = 15;

/** Frames as V8 prints them, one a line. Rejects when the host has ended or its inspector cannot be reached. */
export async function stackOfHost(pid: number): Promise<string> {
  if (!catchesSigusr1(pid) || !(await isComputing(pid))) return NO_STACK;
  const before = new Set(listeningPorts(pid));
  process.kill(pid, 'SIGUSR1');
  const port = await openedPort(pid, before);
  if (port === undefined) return NO_STACK;
  const answer = await request(`http://127.0.0.1:${port}/json/list`, { headersTimeout: OPENED_WITHIN_MS });
  const [target] = (await answer.body.json()) as readonly { readonly webSocketDebuggerUrl: string }[];
  return target === undefined ? NO_STACK : askInspector(target.webSocketDebuggerUrl);
}

const SIGUSR1_BIT = 1n << 9n;

/** Without a handler the signal would end the process. */
function catchesSigusr1(pid: number): boolean {
  const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return caught !== undefined && (BigInt(`0x${caught}`) & SIGUSR1_BIT) !== 0n;
}

async function isComputing(pid: number): Promise<boolean> {
  for (let look = 0; look < LOOKS; look += 1) {
    // The state of the main thread; the command before it stands in parentheses.
    if (/\) R /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return true;
    await sleep(LOOK_EVERY_MS);
  }
  return false;
}

async function openedPort(pid: number, before: ReadonlySet<number>): Promise<number | undefined> {
  for (const endMs = performance.now() + OPENED_WITHIN_MS; performance.now() < endMs; await sleep(LOOK_EVERY_MS)) {
    const port = listeningPorts(pid).find((one) => !before.has(one));
    if (port !== undefined) return port;
  }
  return undefined;
}

const LISTENING = '0A';
const LOOPBACK = '0100007F';

/** Ports of 127.0.0.1 that this process listens on. */
function listeningPorts(pid: number): readonly number[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1]),
  );
  const [, ...lines] = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trimEnd().split('\n');
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [address = '', port = ''] = fields[1]?.split(':') ?? [];
    // The address is printed as a number of the machine, and those with the bytes in another order are no daemon's home.
    const listens = address === LOOPBACK && fields[3] === LISTENING && sockets.has(fields[9]);
    return listens ? [Number.parseInt(port, 16)] : [];
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed since it was listed.
    return '';
  }
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number };
}

type InspectorMessage =
  | { readonly method: 'Debugger.scriptParsed'; readonly params: { readonly scriptId: string; readonly url: string } }
  | { readonly method: 'Debugger.paused'; readonly params: { readonly callFrames: readonly CallFrame[] } }
  | { readonly method: undefined };

const CLOSE_INSPECTOR = { expression: "process.getBuiltinModule('node:inspector').close()" };

/** Stops the main thread for the blink of an eye, reads where it is, and lets it go on without an inspector. */
function askInspector(url: string): Promise<string> {
  const socket = new WebSocket(url);
  let sent = 0;
  const post = (method: string, params: object = {}): void =>
    socket.send(JSON.stringify({ id: (sent += 1), method, params }));
  /** A frame names its script by a number; the debugger tells the names when it is enabled. */
  const scripts = new Map<string, string>();
  return new Promise((resolve, reject) => {
    let stack = NO_STACK;
    const late = setTimeout(() => {
      // In this order: then whatever it runs next neither pauses nor can be reached.
      post('Debugger.disable');
      post('Runtime.evaluate', CLOSE_INSPECTOR);
      socket.close();
      resolve(stack);
    }, PAUSED_WITHIN_MS);
    socket.addEventListener('open', () => {
      post('Debugger.enable');
      post('Debugger.pause');
    });
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as InspectorMessage;
      if (message.method === 'Debugger.scriptParsed') scripts.set(message.params.scriptId, message.params.url);
      if (message.method !== 'Debugger.paused') return;
      const frames = message.params.callFrames.slice(0, FRAMES_MAX);
      stack = frames.map((frame) => describe(frame, scripts.get(frame.location.scriptId) ?? frame.url)).join('\n');
      post('Runtime.evaluate', CLOSE_INSPECTOR);
      post('Debugger.resume');
    });
    socket.addEventListener('error', ({ message }) => reject(new Error(`The inspector broke off: ${message}`)));
    socket.addEventListener('close', () => {
      clearTimeout(late);
      resolve(stack);
    });
  });
}

function describe({ functionName, location }: CallFrame, url: string): string {
  const place = `${url.replace(/^file:\/\//, '')}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
  return functionName === '' ? `    at ${place}` : `    at ${functionName} (${place})`;
}
