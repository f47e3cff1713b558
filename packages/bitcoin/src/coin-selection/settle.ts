import { assert, divide, type Sats } from '@quittance/kernel';
import type { Coin, Plan, SelectionAlgorithm } from './plan.ts';
import { apportion } from './shares.ts';
import { dustLimit, inputWeight, transactionWeight, vsizeOf } from './sizes.ts';
import { neededFee, type Terms } from './terms.ts';

/** A set of coins that a search proposes. Those after the first `needed` are there to tidy up. */
export interface Candidate {
  readonly coins: readonly Coin[];
  readonly needed: number;
  readonly algorithm: SelectionAlgorithm;
}

export type Settled =
  | { readonly kind: 'plan'; readonly plan: Plan; readonly cost: bigint }
  | { readonly kind: 'short'; readonly missingSats: Sats }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'fee_exceeds_payment'; readonly index: number };

/** Costs are kept in 1/4,000 sat: weight units times sat/kvB, without rounding. */
const COST_SCALE = 4_000n;

/**
 * Works a proposed set out exactly, in satoshis: fee, change, shares. Searches may err in what they
 * propose, and never in what comes of it. Change is made when it reaches the least change.
 */
export function settle(terms: Terms, candidate: Candidate): Settled {
  const valueSats = candidate.coins.reduce((sum, { valueSats: each }) => sum + each, 0n);
  const { change } = terms.request;
  const withChange = reckon(terms, candidate, {
    count: terms.outputs.count + 1,
    weight: terms.outputs.weight + change.outputWeight,
  });
  const changeSats = valueSats - withChange.requiredSats;
  if (changeSats >= terms.minChangeSats) {
    return finish(terms, candidate, { ...withChange, valueSats, changeSats });
  }
  if (terms.outputs.count === 0) {
    return { kind: 'short', missingSats: terms.minChangeSats - changeSats };
  }
  const without = reckon(terms, candidate, terms.outputs);
  if (valueSats < without.requiredSats) {
    return { kind: 'short', missingSats: without.requiredSats - valueSats };
  }
  return finish(terms, candidate, { ...without, valueSats, changeSats: null });
}

interface Reckoning {
  readonly weight: number;
  /** What inputs must bring so that everybody is paid and the fee reaches its rate. */
  readonly requiredSats: Sats;
  readonly shares: readonly Sats[];
}

function reckon(
  terms: Terms,
  { coins, needed }: Candidate,
  outputs: { count: number; weight: number },
): Reckoning {
  const { payments } = terms.request;
  const debt = coins.reduce((sum, coin) => sum + (coin.ancestorDebtSats ?? 0n), 0n);
  const weight = transactionWeight(sizes(coins), outputs);
  const feeSats = neededFee(terms, weight) + debt;
  const neededWeight =
    needed === coins.length ? weight : transactionWeight(sizes(coins.slice(0, needed)), outputs);
  const sharedSats = needed === coins.length ? feeSats : neededFee(terms, neededWeight) + debt;
  const shares = payments.length === 0 ? [] : apportion(sharedSats, terms.outputWeights);
  const fromRecipients = shares.reduce(
    (sum, share, i) => sum + (payments[i]?.feeFrom === 'recipient' ? share : 0n),
    0n,
  );
  return { weight, requiredSats: terms.amountSats + feeSats - fromRecipients, shares };
}

function finish(
  terms: Terms,
  { coins, algorithm }: Candidate,
  {
    weight,
    shares,
    valueSats,
    changeSats,
  }: Reckoning & {
    valueSats: Sats;
    changeSats: Sats | null;
  },
): Settled {
  if (coins.length > terms.maxInputs || weight > terms.maxWeight) return { kind: 'too_large' };
  const { payments, longTermFeeRate } = terms.request;
  const planned = payments.map(({ amountSats, feeFrom }, i) => {
    const feeShareSats = shares[i] ?? 0n;
    const outputSats = feeFrom === 'recipient' ? amountSats - feeShareSats : amountSats;
    return { outputSats, feeShareSats };
  });
  const index = payments.findIndex(
    ({ script, feeFrom }, i) =>
      feeFrom === 'recipient' && (planned[i]?.outputSats ?? 0n) < dustLimit(script),
  );
  if (index >= 0) return { kind: 'fee_exceeds_payment', index };
  const paidSats = planned.reduce((sum, { outputSats }) => sum + outputSats, 0n);
  const feeSats = valueSats - paidSats - (changeSats ?? 0n);
  const sharedSats = shares.reduce((sum, share) => sum + share, 0n);
  assert(feeSats >= sharedSats, 'settle: shares exceed the fee');
  const spentWeight = coins.reduce((sum, { input }) => sum + inputWeight(input), 0);
  const cost =
    COST_SCALE * feeSats +
    longTermFeeRate * BigInt((changeSats === null ? 0 : terms.changeInputWeight) - spentWeight);
  const fixed = neededFee(terms, transactionWeight([], terms.outputs));
  const plan: Plan = {
    inputs: coins,
    changeSats,
    feeSats,
    payments: planned,
    walletFeeSats: feeSats - sharedSats,
    weight,
    vsize: vsizeOf(weight),
    wasteSats: divide(cost, COST_SCALE, 'up') - fixed,
    algorithm,
  };
  return { kind: 'plan', plan, cost };
}

function sizes(coins: readonly Coin[]) {
  return coins.map(({ input }) => input);
}
