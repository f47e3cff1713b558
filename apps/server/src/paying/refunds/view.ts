import { type Network, networks } from '@quittance/bitcoin';
import type { RefundScreen, RefundView } from '@quittance/contract';
import type { PricedOrder, StoreFace } from '../../receiving/orders/index.ts';
import { proofMessage } from './proof.ts';
import { AWAITING, isClaimable, type Refund } from './refund.ts';
import { valueText } from './tell.ts';

/** What the claim page shows: nothing about the store but its face, and no reasons of its own. */
export function refundView(
  refund: Refund,
  place: { order: PricedOrder; face: StoreFace; network: Network; nowMs: number },
): RefundView {
  const { order, face, network, nowMs } = place;
  const screen = screenOf(refund, nowMs);
  return {
    screen,
    store: { name: face.name, logoUrl: face.logoUrl, color: face.color },
    orderNumber: order.externalId ?? order.id,
    description: order.description,
    note: refund.note,
    grossSats: refund.grossSats.toString(),
    deductionSats: refund.deductionSats.toString(),
    payoutSats: refund.payoutSats.toString(),
    value: { currency: refund.valueCurrency, amount: valueText(refund) },
    feeFrom: refund.feeFrom,
    feeShareSats: refund.feeShareSats.toString(),
    rate: refund.rateMode,
    proofMessage: refund.proofRequired ? proofMessage(refund) : null,
    network,
    addressPrefix: `${networks[network].bech32Hrp}1`,
    address: refund.address,
    txid: refund.txid,
    explorerTxUrl: face.explorerTxUrl,
    expiresAt:
      screen === 'open' && refund.claimExpiresAtMs !== null
        ? new Date(refund.claimExpiresAtMs).toISOString()
        : null,
    serverTime: new Date(nowMs).toISOString(),
  };
}

function screenOf(refund: Refund, nowMs: number): RefundScreen {
  switch (refund.state) {
    case 'SENT':
      return 'sent';
    case 'CONFIRMED':
      return 'confirmed';
    case 'FAILED':
      return 'failed';
    case 'CANCELLED':
      return 'cancelled';
    case 'EXPIRED':
      return 'expired';
    default:
      if (refund.held) return 'held';
      if (refund.address !== null) {
        return refund.reason === AWAITING ? 'approving' : 'sending';
      }
      // Between the end of its time and the job that ends it.
      return isClaimable(refund, nowMs) ? 'open' : 'expired';
  }
}
