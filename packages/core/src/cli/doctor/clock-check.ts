/** AWS refuses signatures that are five minutes off. Pure. */
import type { CallerIdentity } from '../../daemon/caller-identity.js';
import { failed, ok, warning, type Check } from './check.js';

const NAME = 'clock';
const WARNING_MS = 60_000;
const ERROR_MS = 300_000;
const MEND = 'Let NTP or chrony set the clock of this machine; containers have the clock of their host.';

/** @param local - the services are on this machine, where no signature is checked. */
export function checkClock(identity: CallerIdentity | undefined, local: boolean): Check {
  if (local) return ok(NAME, 'the endpoints on this machine check no signature');
  const skewMs = identity !== undefined && 'skewMs' in identity ? identity.skewMs : undefined;
  if (skewMs === undefined) return ok(NAME, 'not compared: AWS was not asked, or gave no time');
  const apart = `${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} AWS`;
  if (Math.abs(skewMs) > ERROR_MS)
    return failed(NAME, `This machine's clock is ${apart}: AWS refuses every signature.`, MEND);
  if (Math.abs(skewMs) > WARNING_MS)
    return warning(NAME, `This machine's clock is ${apart}; AWS refuses signatures at 300 s.`, MEND);
  return ok(NAME, skewMs === 0 ? 'as at AWS' : apart);
}
