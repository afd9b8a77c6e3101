/** What each decorator may stand on. A wrong place, or a method that cannot take what it will get, does not compile. */

/** Classes have a prototype, instances have none: this keeps decorators off static methods. */
type NotAClass = { readonly prototype?: never };

/** Stands on a public method that can be called as `Fn`; `keyof` leaves out private and protected ones. */
export interface MethodDecoratorFor<Fn extends (...args: never[]) => unknown> {
  <T extends object, K extends keyof T, M extends Fn>(
    target: T & NotAClass,
    key: K,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/** Stands on a class that can be constructed. */
export type ClassDecoratorFor = <C extends new (...args: never[]) => object>(target: C) => void;

/** Stands on a class, abstract ones included, so that base classes can carry policies. */
export type PolicyClassDecorator = <C extends abstract new (...args: never[]) => object>(target: C) => void;

/** Stands on a class, or on one of its handlers. */
export interface PolicyDecorator extends MethodDecoratorFor<(...args: never[]) => unknown> {
  <C extends abstract new (...args: never[]) => object>(target: C): void;
}
