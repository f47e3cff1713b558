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
    destinationKind: 'address',
    script: new Uint8Array(22),
    amountMsat: 100_000_000n,
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
    lightning: null,
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

/** The same over Lightning, to an invoice that ends in an hour. */
export function testLightningPayout(more: Partial<Payout> = {}): Payout {
  return testPayout({
    method: 'lightning',
    destination: 'lnbcrt1',
    destinationKind: 'bolt11',
    script: null,
    walletId: null,
    lightning: {
      expiresAtMs: START_MS + 3_600_000,
      feeLimitMsat: 6_000_000n,
      strategy: null,
      attemptId: null,
      lastAttemptId: null,
      lastFailure: null,
      paymentHash: 'ab'.repeat(32),
      preimage: null,
      feeMsat: 0n,
    },
    ...more,
  });
}
