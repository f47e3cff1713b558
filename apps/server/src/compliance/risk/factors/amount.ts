import type { RiskConfig } from '@quittance/contract';
import type { RiskFacts } from '../facts.ts';
import { type Factor, hundredthsText, type Reason } from './factor.ts';

/** What an amount just beyond the limit is worth of the full points: a third. */
const FIRST_PART = 3;

/**
 * An amount unlike the store's others in its currency. Measured by median and median absolute
 * deviation of the logarithm: a plain z-score can not pass 3 with fewer than 11 payments, since
 * |z| ≤ (n − 1)/√n, and one large payment hides the next by its own spread (ADR 16). Too little
 * history gives no score of its own, but amounts that are large in fiat are noticed.
 */
export const amountFactor: Factor = ({ history, payment }, { amount }) => {
  if (history.count < amount.minPayments || history.robustZ === null) {
    return coldStart(history.count, payment, amount);
  }
  const z = Math.abs(history.robustZ);
  if (z <= amount.z) return [];
  const plain = history.plainZ === null ? 'none' : hundredthsText(history.plainZ);
  const text =
    `The amount is unlike the store's ${history.count} others in ${payment.currency}: robust z ` +
    `${hundredthsText(history.robustZ)} (plain z ${plain}), median ${history.medianMinor} minor units.`;
  return [{ factor: 'amount', points: graded(z, amount), text }];
};

/** From a third of the points at the limit to all of them at `fullZ`, in whole points. */
function graded(z: number, { points, z: limit, fullZ }: RiskConfig['amount']): number {
  if (z >= fullZ || fullZ <= limit) return points;
  const least = Math.floor(points / FIRST_PART);
  return least + Math.floor(((points - least) * (z - limit)) / (fullZ - limit));
}

function coldStart(
  count: number,
  payment: RiskFacts['payment'],
  amount: RiskConfig['amount'],
): Reason[] {
  const limit = amount.coldLimits.find(({ currency }) => currency === payment.currency);
  if (limit === undefined || BigInt(payment.amountMinor) < BigInt(limit.minor)) return [];
  const text =
    `${payment.amountMinor} minor units of ${payment.currency} are ${limit.minor} or more, and ` +
    `${count} earlier payments are too few to compare with.`;
  return [{ factor: 'amount', points: amount.coldPoints, text }];
}
