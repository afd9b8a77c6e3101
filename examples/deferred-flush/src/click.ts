import { z } from 'zod';

export const Click = z.object({ page: z.string().min(1), visitor: z.string().min(1), at: z.iso.datetime() });
export type Click = z.infer<typeof Click>;
