/** How handlers stand to each other: which kinds go together, and whether routing can reach each of them. */
import type { PlainOptions } from './check-values.js';
import { type DeclaredConsumer, handlerPlace } from './declared.js';
import type { Handler, RecordHandler } from './definition.js';
import type { Issues } from './issues.js';

export function checkKinds(declared: DeclaredConsumer, issues: Issues): void {
  const { name, words, handlers } = declared;
  const place = { path: [name], label: name };
  const batches = handlers.filter((handler) => handler.kind === 'batch');
  const records = handlers.filter((handler) => handler.kind === 'record');
  if (handlers.length === 0) {
    issues.add(
      'NO_HANDLER',
      place,
      `nothing handles its records. Add one ${words.record}, one ${words.batch} or one ${words.window}.`,
    );
  }
  if (batches.length > 1) {
    const names = batches.map((handler) => handler.name).join(', ');
    issues.add('SEVERAL_BATCH_HANDLERS', place, `a consumer has one ${words.batch} at most, found ${names}. Keep one.`);
  }
  const window = handlers.find((handler) => handler.kind === 'window');
  if (window !== undefined && handlers.length > 1) {
    const others = handlers.filter((handler) => handler !== window).map((handler) => handler.name);
    issues.add(
      'WINDOW_AND_OTHERS',
      place,
      `${words.window} (${window.name}) gets every record, so ${others.join(', ')} would get none. Keep one, and tell kinds of records apart inside it.`,
    );
  }
  if (window !== undefined && declared.checkpoint === 'manual') {
    issues.add(
      'OPTIONS_EXCLUDE',
      place,
      `${words.window} decides how far a checkpoint may go, so ${words.checkpoint}('manual') would leave nothing to declare. Take another policy.`,
    );
  }
  if (batches.length > 0 && records.length > 0) {
    issues.add(
      'BATCH_AND_RECORD',
      place,
      `${words.batch} (${batches[0]?.name}) gets every record, so ${words.record} (${records[0]?.name}) would get none. Keep one kind.`,
    );
  }
}

/** Source order decides, except that `otherwise` comes last wherever it stands. */
export function checkRouting(handlers: readonly Handler[], declared: DeclaredConsumer, issues: Issues): void {
  const takenBy = new Map<string, string>();
  let takesAll: string | undefined;
  let otherwise: string | undefined;
  for (const handler of handlers.filter(({ kind }) => kind === 'record') as RecordHandler[]) {
    const { type, when, name } = handler;
    const place = handlerPlace(declared, handler);
    const earlier = type === undefined ? undefined : takenBy.get(type);
    if (takesAll !== undefined) {
      const mend = `Give ${takesAll} a type or a when, or say { otherwise: true } there.`;
      issues.add('UNREACHABLE_HANDLER', place, `${takesAll} takes every record, so none is left for it. ${mend}`);
    } else if (earlier !== undefined) {
      const mend = `Make them one handler, or add when to ${earlier}.`;
      issues.add('DUPLICATE_TYPE', place, `type '${type}' is taken by ${earlier} already. ${mend}`);
    } else if (handler.otherwise && otherwise !== undefined) {
      issues.add('DUPLICATE_OTHERWISE', place, `${otherwise} takes what no other handler takes already. Keep one.`);
    } else if (handler.otherwise) {
      otherwise = name;
    } else if (when === undefined && type !== undefined) {
      takenBy.set(type, name);
    } else if (when === undefined) {
      takesAll = name;
    }
  }
}

/** `options` are those of the consumer, when they are known before the start. */
export function checkDiscriminator(
  handlers: readonly Handler[],
  consumer: { readonly declared: DeclaredConsumer; readonly options: PlainOptions | undefined },
  issues: Issues,
): void {
  const { declared, options } = consumer;
  if (options === undefined || options['discriminator'] !== undefined) return;
  for (const handler of handlers) {
    if (handler.kind !== 'record' || handler.type === undefined) continue;
    issues.add(
      'TYPE_WITHOUT_DISCRIMINATOR',
      handlerPlace(declared, handler),
      `type: '${handler.type}' is compared with a value in the payload, but nothing says where it stands. ` +
        `Add { discriminator: 'type' } to the options of ${declared.words.consumer}.`,
    );
  }
}
