/** The members of a class chain as one list: own before inherited, overrides in place of what they override. */
import { decoratorWords } from '../definition/declared.js';
import type { HookName } from '../definition/definition.js';
import type { Issues, Place } from '../definition/issues.js';
import { type Declaration, type Member, ownDeclarations } from './store.js';

export type HandlerDeclaration = Extract<Declaration, { kind: 'record' | 'batch' | 'window' }>;

/** The class and its bases, nearest first. */
export function classChain(target: object): readonly object[] {
  const chain: object[] = [];
  for (
    let one: unknown = target;
    typeof one === 'function' && one !== Function.prototype;
    one = Object.getPrototypeOf(one)
  ) {
    chain.push(one);
  }
  return chain;
}

/** Handlers in routing order. A class that declares a handler on a member replaces what its bases declared there. */
export function handlersOf(chain: readonly object[]): readonly HandlerDeclaration[] {
  const replaced = new Set<PropertyKey>();
  const handlers: HandlerDeclaration[] = [];
  for (const target of chain) {
    const own = inSourceOrder(ownDeclarations(target).filter(isHandler)).filter(
      ({ member }) => !replaced.has(member.key),
    );
    handlers.push(...own);
    for (const { member } of own) replaced.add(member.key);
  }
  return handlers;
}

/** Decorators stacked on one member are evaluated from the bottom up; people read them from the top down. */
function inSourceOrder(declarations: readonly HandlerDeclaration[]): readonly HandlerDeclaration[] {
  const members = new Map<PropertyKey, HandlerDeclaration[]>();
  for (const declaration of declarations) {
    const stacked = members.get(declaration.member.key) ?? [];
    members.set(declaration.member.key, [declaration, ...stacked]);
  }
  return [...members.values()].flat();
}

/** The nearest class that declares the hook decides which method it is. */
export function hookMember(chain: readonly object[], hook: HookName): Member | undefined {
  for (const target of chain) {
    const own = ownDeclarations(target).find((declaration) => declaration.kind === 'hook' && declaration.hook === hook);
    if (own?.kind === 'hook') return own.member;
  }
  return undefined;
}

/** The nearest declaration of a kind, on the class itself (no key) or on one member. */
export function nearest<
  K extends
    | 'consumer'
    | 'checkpoint'
    | 'retry'
    | 'deadLetter'
    | 'concurrency'
    | 'use'
    | 'idempotent'
    | 'circuitBreaker',
>(chain: readonly object[], kind: K, key?: PropertyKey): Extract<Declaration, { kind: K }> | undefined {
  for (const target of chain) {
    const own = ownDeclarations(target).find((one) => one.kind === kind && memberOf(one)?.key === key);
    if (own !== undefined) return own as Extract<Declaration, { kind: K }>;
  }
  return undefined;
}

/** The patterns of the nearest class that filters, in source order. */
export function filterOf(chain: readonly object[]): readonly unknown[] | undefined {
  for (const target of chain) {
    const own = ownDeclarations(target).filter((one) => one.kind === 'filter');
    if (own.length > 0) return own.toReversed().flatMap(({ patterns }) => patterns);
  }
  return undefined;
}

/** What may stand on a method, and only on one that handles records. */
const handlerPolicies: ReadonlySet<Declaration['kind']> = new Set(['retry', 'deadLetter', 'use', 'idempotent']);

/** Wrong places and repetitions, class by class. */
export function checkMembers(chain: readonly object[], name: string, issues: Issues): void {
  const handled = new Set(
    chain.flatMap((target) => ownDeclarations(target).filter(isHandler)).map(({ member }) => member.key),
  );
  for (const target of chain) {
    const seen = new Map<string, PropertyKey>();
    for (const declaration of ownDeclarations(target)) {
      const member = memberOf(declaration);
      const place = placeOf(declaration, name);
      if (member !== undefined) checkPlacement(member, place, issues);
      if (handlerPolicies.has(declaration.kind) && member && !handled.has(member.key)) {
        issues.add(
          'POLICY_WITHOUT_HANDLER',
          place,
          'the method handles no records. Move it to a handler or to the class.',
        );
      }
      checkOnce(declaration, { seen, place, issues });
    }
  }
}

function checkPlacement({ placement }: Member, place: Place, issues: Issues): void {
  if (placement === 'method') return;
  if (placement === 'static') {
    issues.add('STATIC_HANDLER', place, 'the method is static, but an instance serves each shard. Remove static.');
    return;
  }
  const mend = placement === 'accessor' || placement === 'field' ? ' Write it as a method.' : ' Put it on a method.';
  issues.add('NOT_A_METHOD', place, `it stands on ${placement === 'accessor' ? 'an' : 'a'} ${placement}.${mend}`);
}

/** Handlers may stack, one for each type, and so may filters; everything else is said once. */
function checkOnce(
  declaration: Declaration,
  { seen, place, issues }: { seen: Map<string, PropertyKey>; place: Place; issues: Issues },
): void {
  if (isHandler(declaration) || declaration.kind === 'filter') return;
  const key = memberOf(declaration)?.key ?? '';
  const isHook = declaration.kind === 'hook';
  const id = isHook ? `hook ${declaration.hook}` : `${declaration.kind} ${String(key)}`;
  if (seen.has(id)) {
    const other = isHook ? `, on ${String(seen.get(id))} already` : '';
    const code = isHook ? 'DUPLICATE_HOOK' : 'DUPLICATE_DECLARATION';
    issues.add(code, place, `it stands twice in one class${other}. Keep one.`);
  }
  seen.set(id, key);
}

function isHandler(declaration: Declaration): declaration is HandlerDeclaration {
  return declaration.kind === 'record' || declaration.kind === 'batch' || declaration.kind === 'window';
}

function memberOf(declaration: Declaration): Member | undefined {
  return 'member' in declaration ? declaration.member : undefined;
}

/** `OrderMailer.placed (@OnRecord)` */
function placeOf(declaration: Declaration, name: string): Place {
  const member = memberOf(declaration);
  const path = member === undefined ? [name] : [name, String(member.key)];
  return { path, label: `${path.join('.')} (${decoratorName(declaration)})` };
}

const hookWords: Readonly<Record<HookName, string>> = {
  initialize: '@OnInitialize',
  shardEnd: '@OnShardEnd',
  leaseLost: '@OnLeaseLost',
  shutdownRequested: '@OnShutdownRequested',
};

function decoratorName(declaration: Declaration): string {
  return declaration.kind === 'hook' ? hookWords[declaration.hook] : decoratorWords[declaration.kind];
}
