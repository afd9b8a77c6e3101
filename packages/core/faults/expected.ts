/** How what ran handlers has to end in a life that met the fault; docs/local-development.md prints the codes. Pure. */
import { EXIT_CODES } from '../src/exit-codes.js';
import type { Exit } from './place.js';
import type { Scenario } from './scenario.js';

/** Of the first shard's child, or of the host. The others end as asked. */
function expectedExit({ fault, mode }: Scenario): Exit {
  switch (fault.kind) {
    case 'kill':
    case 'cutInput':
    case 'cutOutput':
      return 'killed';
    case 'notJson':
    case 'notAnObject':
    case 'unknownAction':
    case 'noRecords':
      return mode === 'child' ? EXIT_CODES.protocol : EXIT_CODES.ok;
    case 'supervisorGone':
      return EXIT_CODES.daemonFailed;
    case 'relayKilled':
    case 'daemonGone':
    case 'endOfInput':
    case 'halfLine':
    case 'outputClosed':
    case 'terminate':
    case 'interrupt':
    case 'stalledReader':
    case 'deed':
    case 'writing':
    case 'answers':
      return EXIT_CODES.ok;
    default:
      return fault satisfies never;
  }
}

export function wrongExits(exits: readonly Exit[], scenario: Scenario): readonly string[] {
  return exits.flatMap((exit, index) => {
    const expected = index === 0 ? expectedExit(scenario) : EXIT_CODES.ok;
    return exit === expected ? [] : [`process ${index + 1} ended with ${exit} instead of ${expected}`];
  });
}

/** Asked to end by the daemon, a worker has nothing left to do again; in lanes, what is done behind a record that was given back. */
export function leavesNothingToDoAgain({ fault, lanes }: Scenario): boolean {
  return lanes === 0 && (fault.kind === 'terminate' || fault.kind === 'interrupt');
}
