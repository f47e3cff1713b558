import type {
  LightningFailureClass,
  Payout as PayoutJson,
  PayoutEventType,
} from '@quittance/contract';
import { formatBtc, formatDecimal, type Msats, toHex, unreachable } from '@quittance/kernel';
import type { NewEvent } from '../../telling/events/index.ts';
import { coveringSats, type LightningSide, type Payout, type PayoutTelling } from './payout.ts';
import { failureClasses } from '../lightning/index.ts';
import { factsOfReason } from './reasons.ts';

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
    destinationKind: payout.destinationKind,
    script: payout.script === null ? null : toHex(payout.script),
    amountSats: coveringSats(payout.amountMsat).toString(),
    amountMsat: payout.amountMsat.toString(),
    amountBtc: btcText(payout.amountMsat),
    price: payout.price,
    feeFrom: payout.feeFrom,
    maxFeeShareSats: payout.maxFeeShareSats.toString(),
    feeShareSats: payout.feeShareSats.toString(),
    description: payout.description,
    metadata: { ...payout.metadata },
    state: payout.state,
    reason: payout.reason === null ? null : reasonJson(payout.reason, payout.method),
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
    lightning: payout.lightning === null ? null : lightningJson(payout.lightning),
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

function failureJson(name: LightningFailureClass) {
  const { retryable, operator: message, payer: recipientMessage } = failureClasses[name];
  return { code: name, retryable, message, recipientMessage };
}

/** Eight decimals, and three more where there are millisatoshis. */
function btcText(msat: Msats): string {
  const sats = coveringSats(msat);
  return sats * 1_000n === msat ? formatBtc(sats) : formatDecimal(msat, 11);
}

function lightningJson(side: LightningSide): NonNullable<PayoutJson['lightning']> {
  return {
    expiresAt: maybeTime(side.expiresAtMs),
    maxFeeMsat: side.feeLimitMsat.toString(),
    feeMsat: side.feeMsat.toString(),
    strategy: side.strategy,
    attemptId: side.attemptId ?? side.lastAttemptId,
    lastFailure: side.lastFailure === null ? null : failureJson(side.lastFailure),
    paymentHash: side.paymentHash,
    preimage: side.preimage,
  };
}

function reasonJson(
  code: NonNullable<Payout['reason']>,
  method: Payout['method'],
): NonNullable<PayoutJson['reason']> {
  const { retryable, message, recipientMessage } = factsOfReason(code, method);
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
      method: payout.method,
      amountSats: coveringSats(payout.amountMsat).toString(),
      amountMsat: payout.amountMsat.toString(),
      feeShareSats: payout.feeShareSats.toString(),
      feeMsat: (payout.lightning?.feeMsat ?? 0n).toString(),
      paymentHash: payout.lightning?.paymentHash ?? null,
      preimage: payout.lightning?.preimage ?? null,
      txid: payout.txid,
      origin: payout.origin,
      reason: payout.reason,
      message: messageOf(type, payout),
    },
    createdAtMs: telling.nowMs,
  };
}

function messageOf(type: PayoutEventType, { reason, approvalsNeeded, method }: Payout): string {
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
    case 'payout.in_flight':
      return 'The payout is being paid over Lightning.';
    case 'payout.unknown':
      return 'Nobody can say now what became of the payment; it is asked about until it is known.';
    case 'payout.final':
      return 'The payout is final.';
    case 'payout.failed':
      return `The payout was not paid. ${reason === null ? '' : factsOfReason(reason, method).message}`;
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
