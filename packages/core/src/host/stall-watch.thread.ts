/** The thread of stall-watch.ts. */
import { Session, type Debugger } from 'node:inspector';
import { workerData } from 'node:worker_threads';
import { connectHostLink, type HostLink } from './host-link.js';
import type { StallWatchData } from './stall-watch.js';

const LOOK_EVERY_MS = 500;
const BLOCKED_AFTER_MS = 3_000;
const FRAMES_MAX = 15;
/** Code that is not JavaScript (a native call, a synchronous read) lets nobody look inside. */
const PAUSE_WITHIN_MS = 1_000;
const NO_STACK = '    (it stands in native code, where no stack can be taken)';

const { path, name, beats } = workerData as StallWatchData;
const link = await connectHostLink({ path, role: 'watch', name });

let lastBeat = Atomics.load(beats, 0);
let silentSinceMs = performance.now();
let reported = false;
setInterval(() => {
  const beat = Atomics.load(beats, 0);
  if (beat !== lastBeat) {
    lastBeat = beat;
    silentSinceMs = performance.now();
    reported = false;
    return;
  }
  const silentMs = Math.round(performance.now() - silentSinceMs);
  if (silentMs < BLOCKED_AFTER_MS || reported) return;
  reported = true;
  void report(link, silentMs);
}, LOOK_EVERY_MS);

async function report(to: HostLink, silentMs: number): Promise<void> {
  to.tell({ kind: 'blocked', silentMs, stack: await stackOfMain() });
}

/** Stops the main thread for the blink of an eye, reads where it is, and lets it go on. */
async function stackOfMain(): Promise<string> {
  const session = new Session();
  session.connectToMainThread();
  /** A frame names its script by a number; the debugger tells the names when it is enabled. */
  const scripts = new Map<string, string>();
  try {
    return await new Promise<string>((resolve) => {
      const late = setTimeout(() => resolve(NO_STACK), PAUSE_WITHIN_MS);
      session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url));
      session.on('Debugger.paused', ({ params }) => {
        clearTimeout(late);
        const frames = params.callFrames.slice(0, FRAMES_MAX);
        resolve(frames.map((frame) => describe(frame, scripts.get(frame.location.scriptId) ?? frame.url)).join('\n'));
        session.post('Debugger.resume');
      });
      session.post('Debugger.enable');
      session.post('Debugger.pause');
    });
  } finally {
    session.disconnect();
  }
}

function describe({ functionName, location }: Debugger.CallFrame, url: string): string {
  const place = `${url.replace(/^file:\/\//, '')}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
  return functionName === '' ? `    at ${place}` : `    at ${functionName} (${place})`;
}
