import type { Payout as PayoutJson, PayoutEventType } from '@quittance/contract';
import { formatBtc, toHex, unreachable } from '@quittance/kernel';
import type { NewEvent } from '../../telling/events/index.ts';
import type { Payout, PayoutTelling } from './payout.ts';
import { payoutReasonTable } from './reasons.ts';

/** A payout as it is answered. */
export function payoutJson(payout: Payout): PayoutJson {
  return {
    id: payout.id,
    merchantId: payout.merchantId,
    externalId: payout.externalId,
    source: payout.source,
    batchId: payout.batchId,
    refundId: payout.refundId,
    method: payout.method,
    destination: payout.destination,
    script: toHex(payout.script),
    amountSats: payout.amountSats.toString(),
    amountBtc: formatBtc(payout.amountSats),
    price: payout.price,
    feeFrom: payout.feeFrom,
    maxFeeShareSats: payout.maxFeeShareSats.toString(),
    feeShareSats: payout.feeShareSats.toString(),
    description: payout.description,
    metadata: { ...payout.metadata },
    state: payout.state,
    reason: payout.reason === null ? null : reasonJson(payout.reason),
    origin: payout.origin,
    approvalsNeeded: payout.approvalsNeeded,
    approvals: payout.approvals.map(({ by, atMs, signature }) => ({
      by,
      approver: signature?.approver ?? null,
      at: timeText(atMs),
      expiresAt: signature === null ? null : timeText(signature.expiresAtMs),
    })),
    walletId: payout.walletId,
    processorId: payout.processorId,
    spendId: payout.spendId,
    txid: payout.txid,
    attempts: payout.attempts,
    notBefore: maybeTime(payout.notBeforeMs),
    version: payout.version,
    createdBy: payout.createdBy,
    createdAt: timeText(payout.createdAtMs),
    approvedAt: maybeTime(payout.approvedAtMs),
    broadcastAt: maybeTime(payout.broadcastAtMs),
    finishedAt: maybeTime(payout.finishedAtMs),
    updatedAt: timeText(payout.updatedAtMs),
  };
}

function reasonJson(code: NonNullable<Payout['reason']>): NonNullable<PayoutJson['reason']> {
  const { retryable, message, recipientMessage } = payoutReasonTable[code];
  return { code, retryable, message, recipientMessage };
}

/** One event about a payout, with the payout as it is now. */
export function payoutEvent(
  payout: Payout,
  type: PayoutEventType,
  telling: PayoutTelling,
): NewEvent {
  return {
    merchantId: payout.merchantId,
    id: telling.ids.next(),
    type,
    orderId: null,
    data: {
      payoutId: payout.id,
      externalId: payout.externalId,
      source: payout.source,
      batchId: payout.batchId,
      refundId: payout.refundId,
      state: payout.state,
      destination: payout.destination,
      amountSats: payout.amountSats.toString(),
      feeShareSats: payout.feeShareSats.toString(),
      txid: payout.txid,
      origin: payout.origin,
      reason: payout.reason,
      message: messageOf(type, payout),
    },
    createdAtMs: telling.nowMs,
  };
}

function messageOf(type: PayoutEventType, { reason, approvalsNeeded }: Payout): string {
  switch (type) {
    case 'payout.created':
      return approvalsNeeded > 0
        ? `The payout was made and needs ${approvalsNeeded} approval(s).`
        : 'The payout was made and needs no approval.';
    case 'payout.approved':
      return 'The payout is approved; its amount is reserved.';
    case 'payout.in_progress':
      return 'A transaction is being made for the payout.';
    case 'payout.broadcast':
      return 'The transaction of the payout is on the network and not yet in a block.';
    case 'payout.confirmed':
      return 'The payout is in a block.';
    case 'payout.final':
      return 'The payout is final.';
    case 'payout.failed':
      return `The payout was not paid. ${reason === null ? '' : payoutReasonTable[reason].message}`;
    case 'payout.cancelled':
      return 'The payout was cancelled before anything was sent.';
    case 'payout.reversed':
      return 'The transaction of the payout can never be mined any more; the amount came back.';
    default:
      return unreachable(type);
  }
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

function maybeTime(ms: number | null): string | null {
  return ms === null ? null : timeText(ms);
}
