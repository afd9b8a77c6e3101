/** What the daemon needs of this machine: Node.js, Java, its jars, and pipes that can be taken over. */
import { isMillraceError } from '../../errors.js';
import type { Environment } from '../../definition/definition.js';
import { failed, failedWith, ok, warning, type Check, type DoctorPorts } from './check.js';
import { inTime } from './check-deadline.js';

/** As in package.json. */
const NODE_MIN = { major: 20, minor: 19 };

/** In the order in which they are printed. */
export async function checkMachine(env: Environment, ports: DoctorPorts): Promise<readonly Check[]> {
  const { findJava, verifyJars, attachSelfTest, clock } = ports;
  const limited = (name: string, check: () => Promise<Check>): Promise<Check> =>
    inTime(name, () => orError(name, check), clock);
  return Promise.all([
    Promise.resolve(checkNode(ports.nodeVersion)),
    limited('Java', async () => {
      const { version, build, path, from } = await findJava(env);
      return ok('Java', `${version} (${build}) at ${path}, found by ${from === 'option' ? 'MILLRACE_JAVA' : from}`);
    }),
    limited('jars', async () => {
      const { list, jars, folder } = await verifyJars(env);
      return ok('jars', `${list}: ${jars} jars in ${folder}, each as it is on the list`);
    }),
    limited('pipes', async () => {
      const tested = await attachSelfTest();
      return tested.ok
        ? ok('pipes', 'one process serves all shards: the pipes of another can be taken over')
        : warning(
            'pipes',
            `the pipes of another process cannot be taken over here, so each shard gets a process of its own, with its memory: ${tested.why}`,
            'Nothing has to be done. On Linux, a /proc that shows the processes of this user mends it.',
          );
    }),
  ]);
}

async function orError(name: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return failedWith(name, error);
  }
}

function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const fits = major > NODE_MIN.major || (major === NODE_MIN.major && minor >= NODE_MIN.minor);
  return fits
    ? ok('Node.js', version)
    : failed('Node.js', `${version} is too old.`, `Install Node.js ${NODE_MIN.major}.${NODE_MIN.minor} or newer.`);
}
