/**
 * `injectable` and `singleton` for services. They only mark: every worker and every test bed builds its own instances.
 * tsyringe's own `singleton` keeps one in the global container, where it outlives tests and leaks into the next ones.
 */
export type ServiceKind = 'injectable' | 'singleton';

/** Shared by all copies of this package in one program, as the declarations of consumers are. */
const storeKey = Symbol.for('millrace.services');
const shared = globalThis as { [storeKey]?: WeakMap<object, ServiceKind> };
const services = (shared[storeKey] ??= new WeakMap());

type ServiceDecorator = <C extends abstract new (...args: never[]) => object>(target: C) => void;

/** The container can inject the class's constructor: decorating it makes the compiler record the parameters' types. */
export function injectable(): ServiceDecorator {
  return (target) => void services.set(target, 'injectable');
}

/** As `injectable`, and one instance serves all shards of a worker; it is disposed with the worker. */
export function singleton(): ServiceDecorator {
  return (target) => void services.set(target, 'singleton');
}

export function serviceKind(target: unknown): ServiceKind | undefined {
  return typeof target === 'function' ? services.get(target) : undefined;
}

/** For constructors of classes that import each other: a type that leaves no trace in what the compiler records. */
export type Ref<T> = T;
