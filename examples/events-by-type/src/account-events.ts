/** What the bank puts into the stream `account-events`. The name of the event stands in `type`. */
import { z } from 'zod';

const cents = z.int().positive();

export const AccountOpened = z.object({
  type: z.literal('AccountOpened'),
  account: z.string().min(1),
  owner: z.string().min(1),
});
export const MoneyDeposited = z.object({ type: z.literal('MoneyDeposited'), account: z.string(), cents });
export const MoneyWithdrawn = z.object({ type: z.literal('MoneyWithdrawn'), account: z.string(), cents });
export const AccountClosed = z.object({ type: z.literal('AccountClosed'), account: z.string() });

export type AccountOpened = z.infer<typeof AccountOpened>;
export type MoneyDeposited = z.infer<typeof MoneyDeposited>;
export type MoneyWithdrawn = z.infer<typeof MoneyWithdrawn>;
export type AccountClosed = z.infer<typeof AccountClosed>;
