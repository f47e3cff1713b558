import { randomUUID } from 'node:crypto';
import type { Payout } from './payout.ts';

export const START_MS = 1_760_000_000_000;

/** A payout with whatever does not matter filled in. */
export function testPayout(more: Partial<Payout> = {}): Payout {
  return {
    merchantId: randomUUID(),
    id: randomUUID(),
    externalId: null,
    source: 'api',
    batchId: null,
    refundId: null,
    method: 'onchain',
    destination: 'bcrt1q',
    script: new Uint8Array(22),
    amountSats: 100_000n,
    price: null,
    feeFrom: 'sender',
    maxFeeShareSats: 0n,
    description: null,
    metadata: {},
    state: 'awaiting_approval',
    reason: null,
    origin: null,
    approvalsNeeded: 1,
    approvals: [],
    walletId: randomUUID(),
    payRequest: null,
    processorId: null,
    spendId: null,
    lastSpendId: null,
    txid: null,
    feeShareSats: 0n,
    attempts: 0,
    notBeforeMs: null,
    ledgerEpoch: 0,
    version: 1,
    createdBy: 'key:creator',
    createdAtMs: START_MS,
    approvedAtMs: null,
    startedAtMs: null,
    broadcastAtMs: null,
    finishedAtMs: null,
    stateSinceMs: START_MS,
    updatedAtMs: START_MS,
    ...more,
  };
}
