import { z } from 'zod';

export const Scan = z.object({ parcel: z.string().min(1), place: z.string().min(1), at: z.iso.datetime() });
export type Scan = z.infer<typeof Scan>;
