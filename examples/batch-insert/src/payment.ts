import { z } from 'zod';

export const Payment = z.object({ paymentId: z.uuid(), account: z.string().min(1), cents: z.int() });
export type Payment = z.infer<typeof Payment>;
