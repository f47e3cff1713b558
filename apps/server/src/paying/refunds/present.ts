import type { Refund as RefundJson, RefundPreview, RefundSource } from '@quittance/contract';
import { formatBtc } from '@quittance/kernel';
import type { Pools, RefundPlan } from './plan.ts';
import { explainSources } from './sources.ts';
import type { StoredRefund } from './store.ts';
import { valueText } from './tell.ts';

/** A refund as its merchant reads it: never with what its claim link is made of. */
export function refundJson(refund: StoredRefund): RefundJson {
  return {
    id: refund.id,
    merchantId: refund.merchantId,
    orderId: refund.orderId,
    state: refund.state,
    reason: refund.reason,
    held: refund.held,
    note: refund.note,
    ...amountsJson(refund),
    feeShareSats: refund.feeShareSats.toString(),
    destination: refund.destination,
    proofRequired: refund.proofRequired,
    proof: refund.proof,
    address: refund.address,
    claimExpiresAt: isoTime(refund.claimExpiresAtMs),
    claimedAt: isoTime(refund.claimedAtMs),
    payoutId: refund.payoutId,
    txid: refund.txid,
    createdAt: new Date(refund.createdAtMs).toISOString(),
    sentAt: isoTime(refund.sentAtMs),
    finishedAt: isoTime(refund.finishedAtMs),
    updatedAt: new Date(refund.updatedAtMs).toISOString(),
    version: refund.version,
  };
}

/** What a refund would come to, and where its order's payments came from. */
export function previewJson(
  plan: RefundPlan,
  more: {
    mode: RefundJson['mode'];
    feeFrom: RefundJson['feeFrom'];
    pools: Pools;
    sources: RefundSource[];
  },
): RefundPreview {
  const { mode, feeFrom, pools, sources } = more;
  return {
    ...amountsJson({ ...plan, mode, feeFrom }),
    refundableSats: pools.roomSats.toString(),
    aboveReceived: plan.payoutSats > plan.basisSats,
    sources,
    sourceWarnings: explainSources(sources),
  };
}

function amountsJson(of: RefundPlan & Pick<StoredRefund, 'mode' | 'feeFrom'>) {
  return {
    mode: of.mode,
    rateMode: of.rateMode,
    rate: of.rate,
    basisSats: of.basisSats.toString(),
    fromMerchantSats: of.fromMerchantSats.toString(),
    fromExcessSats: of.fromExcessSats.toString(),
    fromHeldSats: of.fromHeldSats.toString(),
    grossSats: of.grossSats.toString(),
    deductionSats: of.deductionSats.toString(),
    payoutSats: of.payoutSats.toString(),
    payoutBtc: formatBtc(of.payoutSats),
    valueCurrency: of.valueCurrency,
    valueAmount: valueText(of),
    feeFrom: of.feeFrom,
  };
}

function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
