import { assert, MAX_SATS, type Sats } from '@quittance/kernel';
import { type FeeRate, feeFor } from '../fees/fee-rate.ts';
import { MAX_STANDARD_WEIGHT, replacementFee } from '../fees/replacement.ts';
import { MAX_CONSOLIDATION_INPUTS, MAX_INPUTS, type SelectionRequest } from './plan.ts';
import { inputWeight, outputWeight, vsizeOf } from './sizes.ts';

/** Above any rate ever seen (100,000 sat/vB); keeps the search's integers exact. */
const MAX_FEE_RATE = 100_000_000n;

/** What a request comes to, worked out once. */
export interface Terms {
  readonly request: SelectionRequest;
  readonly amountSats: Sats;
  readonly outputWeights: readonly number[];
  readonly outputs: { readonly count: number; readonly weight: number };
  /** Weight of the outputs whose fee the sender pays, of all: how much of a fee is the sender's. */
  readonly senderWeight: number;
  readonly hasRecipientFees: boolean;
  /** The rate to pay, that of the replaced transactions outbid. */
  readonly feeRate: FeeRate;
  readonly changeInputWeight: number;
  /** Change below this is given to the fee. */
  readonly minChangeSats: Sats;
  readonly maxInputs: number;
  readonly maxWeight: number;
  readonly maxUnconfirmedDepth: number;
  readonly maxConsolidationInputs: number;
  readonly feeCeilingSats: Sats;
}

/**
 * Works the terms out. Change is made when it is above dust and not worth less than spending it
 * will cost at the long-term rate: then the output pays for itself compared with giving it up.
 */
export function readTerms(request: SelectionRequest): Terms {
  const { payments, limits = {}, change, replaces } = request;
  for (const rate of [request.feeRate, request.longTermFeeRate, replaces?.feeRate ?? 0n]) {
    assert(rate >= 0n && rate < MAX_FEE_RATE, 'selectCoins: the fee rate is out of range');
  }
  const outputWeights = payments.map(({ script }) => outputWeight(script));
  const weight = outputWeights.reduce((sum, each) => sum + each, 0);
  const senderWeight = outputWeights.reduce(
    (sum, each, i) => sum + (payments[i]?.feeFrom === 'sender' ? each : 0),
    0,
  );
  const changeInputWeight = inputWeight(change.input);
  const spendSats = feeFor(request.longTermFeeRate, vsizeOf(changeInputWeight));
  const hasRecipientFees = senderWeight < weight;
  const isOrdinary = replaces === undefined && payments.length > 0;
  return {
    request,
    amountSats: payments.reduce((sum, { amountSats }) => sum + amountSats, 0n),
    outputWeights,
    outputs: { count: payments.length, weight },
    senderWeight,
    hasRecipientFees,
    feeRate: highest(request.feeRate, replaces === undefined ? 0n : replaces.feeRate + 1n),
    changeInputWeight,
    minChangeSats: highest(change.dustLimitSats, spendSats, limits.minChangeSats ?? 0n),
    maxInputs: limits.maxInputs ?? MAX_INPUTS,
    maxWeight: limits.maxWeight ?? MAX_STANDARD_WEIGHT,
    maxUnconfirmedDepth: limits.maxUnconfirmedDepth ?? 0,
    // Recipients who bear the fee must not pay for tidying up.
    maxConsolidationInputs: hasRecipientFees
      ? 0
      : (limits.maxConsolidationInputs ?? (isOrdinary ? MAX_CONSOLIDATION_INPUTS : 0)),
    feeCeilingSats: limits.feeCeilingSats ?? MAX_SATS,
  };
}

/** The least fee of a transaction of this weight. */
export function neededFee({ feeRate, request }: Terms, weight: number): Sats {
  const vsize = vsizeOf(weight);
  const own = feeFor(feeRate, vsize);
  return request.replaces === undefined
    ? own
    : highest(own, replacementFee(request.replaces, vsize));
}

function highest(first: bigint, ...others: readonly bigint[]): bigint {
  return others.reduce((max, each) => (each > max ? each : max), first);
}
