/** What a process has cost so far, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of all its threads in nanoseconds: those of V8 that collect and compile are part of the price. */
export function cpuNs(pid) {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    sum += Number(running);
  }
  return sum;
}

/** The largest resident set that it ever had. */
export function peakBytes(pid) {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024;
}

export function loadAverage() {
  return Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0]);
}
