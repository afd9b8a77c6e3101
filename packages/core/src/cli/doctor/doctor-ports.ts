/** What `millrace doctor` looks at in a real process. */
import { callerIdentity } from '../../daemon/caller-identity.js';
import { findJava } from '../../daemon/find-java.js';
import { openJarStore } from '../../daemon/jar-store.js';
import { verifyJars } from '../../daemon/jar-verify.js';
import { openPreflight } from '../../daemon/preflight-aws.js';
import { systemClock } from '../../process-ports.js';
import { attachSelfTest } from '../../supervisor/attach-self-test.js';
import type { DoctorPorts } from './check.js';

export function systemDoctorPorts(): DoctorPorts {
  return {
    clock: systemClock,
    nodeVersion: process.version,
    findJava,
    async verifyJars(env) {
      const store = await openJarStore(env);
      await verifyJars(store);
      return { list: store.lock.name, jars: store.jars.length, folder: store.folder };
    },
    attachSelfTest,
    callerIdentity,
    openPreflight,
  };
}
