import type { LightningFeeCap } from '@quittance/contract';
import { divide, type Msats } from '@quittance/kernel';
import type { PayoutTerms } from './terms.ts';

const MILLION = 1_000_000n;

/** What is reserved for the fees of a payout: what it says itself, else by the processor's or store's cap. */
export function feeLimitFor(
  { amountMsat, lightning }: Pick<PayoutTerms, 'amountMsat' | 'lightning'>,
  feeCap: LightningFeeCap,
): Msats {
  if (lightning === null) return 0n;
  if (lightning.maxFeeMsat !== null) return lightning.maxFeeMsat;
  const { baseMsat, ppm } = feeCap;
  return BigInt(baseMsat) + divide(amountMsat * BigInt(ppm), MILLION, 'up');
}
