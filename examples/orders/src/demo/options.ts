/** The command line of the demonstration. */
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** How many orders are put; Infinity goes on until Ctrl-C. */
  readonly orders: number;
  /** Loses one mail on purpose: the comparison has to find it. */
  readonly dropOne: boolean;
}

export const USAGE = `Usage: npm start -- [options]

  --orders <n>   put this many orders (default 400)
  --endless      put orders until Ctrl-C
  --drop-one     lose one order on purpose, to see that the comparison fails
  --help         show this`;

const DEFAULT_ORDERS = 400;

/** @throws TypeError or RangeError that says what is wrong with the arguments. */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      orders: { type: 'string' },
      endless: { type: 'boolean', default: false },
      'drop-one': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { endless, orders = String(DEFAULT_ORDERS) } = values;
  if (endless && values.orders !== undefined) throw new TypeError('--orders and --endless exclude each other.');
  if (!/^\d+$/.test(orders)) throw new RangeError(`--orders takes a whole number, not "${orders}".`);
  return { orders: endless ? Infinity : Number(orders), dropOne: values['drop-one'] };
}
