import { divide, type Msats } from '@quittance/kernel';
import type { PayoutTerms } from './terms.ts';

/** What routes may cost at most: a part of the amount, and a base that small amounts need. */
export type FeeCap = { readonly baseMsat: string; readonly ppm: number };

/** One per cent and ten satoshis: enough for a hop or four of usual fees, and no surprise. */
export const DEFAULT_FEE_CAP: FeeCap = { baseMsat: '10000', ppm: 10_000 };
const MILLION = 1_000_000n;

/** What is reserved for the fees of a payout: what it says itself, else by the processor's cap. */
export function feeLimitFor(
  { amountMsat, lightning }: Pick<PayoutTerms, 'amountMsat' | 'lightning'>,
  feeCap: FeeCap | undefined,
): Msats {
  if (lightning === null) return 0n;
  if (lightning.maxFeeMsat !== null) return lightning.maxFeeMsat;
  const { baseMsat, ppm } = feeCap ?? DEFAULT_FEE_CAP;
  return BigInt(baseMsat) + divide(amountMsat * BigInt(ppm), MILLION, 'up');
}
