import { z } from 'zod';
import { msatsText } from './fields.ts';

/** What routes may cost: a part of the amount, and a base that small amounts need. */
export const lightningFeeCapSchema = z
  .strictObject({
    baseMsat: msatsText,
    ppm: z.int().min(0).max(1_000_000).meta({ description: 'Millionths of the amount' }),
  })
  .meta({ id: 'LightningFeeCap', description: 'At most the base and the part together' });
export type LightningFeeCap = z.infer<typeof lightningFeeCapSchema>;

/** One per cent and ten satoshis: enough for a few hops of usual fees, and no surprise. */
export const defaultLightningFeeCap: LightningFeeCap = { baseMsat: '10000', ppm: 10_000 };
