/** Finds what cannot be injected before anything is built, so that a mistake shows at start and not at the first lease. */
import { SHARD } from '../definition/context.js';
import type { MillraceError } from '../errors.js';
import { type AnyConstructor, constructorFacts, type Parameter } from './constructor-parameters.js';
import { dependencyCycle, type Path, unregistered, unusableParameter } from './injection-errors.js';

/** What the container says of a token: undefined when nothing is registered for it. */
export interface Registrations {
  lookUp(token: unknown): { readonly builds: AnyConstructor | undefined } | undefined;
}

export function findMistakes(registrations: Registrations, target: AnyConstructor): readonly MillraceError[] {
  const found: MillraceError[] = [];
  const seen = new Set<unknown>();
  const visit = (wanted: unknown, path: Path): void => {
    if (path.includes(wanted)) {
      found.push(dependencyCycle([...path, wanted]));
      return;
    }
    if (seen.has(wanted)) return;
    seen.add(wanted);
    const registered = registrations.lookUp(wanted);
    const builds = registered === undefined ? wanted : registered.builds;
    if (typeof builds !== 'function') return;
    const here = [...path, wanted];
    const { owner, parameters } = constructorFacts(builds as AnyConstructor);
    parameters.forEach((parameter, index) => {
      const mistake = judge(parameter, { path: here, owner, index });
      if (mistake !== undefined) found.push(mistake);
      else if (parameter.kind !== 'unusable')
        visit(parameter.kind === 'class' ? parameter.target : parameter.token, here);
    });
  };
  const judge = (parameter: Parameter, demand: { path: Path; owner: AnyConstructor; index: number }) => {
    if (parameter.kind === 'unusable') return unusableParameter(parameter.why, demand);
    if (parameter.kind === 'class' || parameter.optional || typeof parameter.token === 'function') return undefined;
    if (parameter.token === SHARD || registrations.lookUp(parameter.token) !== undefined) return undefined;
    return unregistered(parameter.token, [...demand.path, parameter.token], demand);
  };
  visit(target, []);
  return found;
}
