import type { LockedRate } from '@quittance/contract';
import type { Refund } from './refund.ts';

/** A refund of 100,000 sat that waits for its claim, and whatever a test wants to be different. */
export function testRefund(more: Partial<Refund> = {}): Refund {
  return {
    merchantId: '00000000-0000-7000-8000-000000000001',
    id: '00000000-0000-7000-8000-000000000003',
    orderId: '00000000-0000-7000-8000-000000000002',
    state: 'PENDING',
    reason: null,
    held: false,
    note: null,
    mode: 'full',
    rateMode: 'original',
    rate: null,
    basisSats: 100_000n,
    fromMerchantSats: 100_000n,
    fromExcessSats: 0n,
    fromHeldSats: 0n,
    grossSats: 100_000n,
    deductionSats: 0n,
    payoutSats: 100_000n,
    valueCurrency: 'BTC',
    valueMinor: 100_000n,
    feeFrom: 'merchant',
    maxFeeShareSats: 25_000n,
    destination: 'claim',
    proofRequired: false,
    claimHash: new Uint8Array(32),
    claimExpiresAtMs: 1_000_000,
    address: null,
    script: null,
    proof: null,
    claimedAtMs: null,
    payoutId: null,
    txid: null,
    feeShareSats: 0n,
    capState: 'pending',
    capEpoch: 1,
    version: 1,
    createdBy: 'test',
    createdAtMs: 0,
    sentAtMs: null,
    finishedAtMs: null,
    ...more,
  };
}

/** A rate as an order locks it. */
export function testRate(pricePerBtc: string, currency = 'EUR'): LockedRate {
  const observedAt = '2026-01-31T12:00:00.000Z';
  return { currency, pricePerBtc, source: 'fixed', spreadBps: 0, observedAt, rounding: 'up' };
}
