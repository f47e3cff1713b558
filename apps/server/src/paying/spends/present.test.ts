import { expect, test } from 'vitest';
import { spendJson } from './present.ts';
import type { SpendReason } from './spend.ts';
import type { StoredSpend } from './store.ts';

const id = '0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c4';

function stored(reason: SpendReason, detail: string): StoredSpend {
  return {
    outputs: [],
    versions: [
      {
        ...{ version: 1, state: 'signed', purpose: 'pay', exposed: false, txid: null, inputs: [] },
        ...{ feeSats: 200n, vsize: 140, outSats: 1_200n, change: null, feeShares: {} },
        rejectCode: null,
      },
    ],
    spend: {
      ...{ merchantId: id, id, walletId: id, kind: 'payouts', origin: 'manual', state: 'signed' },
      ...{ anchor: 'a:0', version: 1, ledgerEpoch: 0, bookedVersion: null, dueAtMs: null },
      ...{ attempts: 1, reason, detail, height: null, blockHash: null, createdAtMs: 0 },
      limits: { maxFeeRate: 1_000n, maxFeeShareBps: null },
    },
  };
}

test('a store reads that the signer or the node does not answer, not where the operator has them', () => {
  const signer = stored('signer_unavailable', 'no connection with the signer at /srv/q/s.sock');
  expect(spendJson(signer)).toMatchObject({ reason: 'signer_unavailable', detail: null });
  const node = stored('node_unavailable', 'cannot reach the node at http://10.0.0.7:8332');
  expect(spendJson(node)).toMatchObject({ reason: 'node_unavailable', detail: null });
});

test('what the signer refused a transaction for is shown', () => {
  const refused = stored('signer_refused', 'payout_too_large: payout 1 exceeds 5 sat');
  expect(spendJson(refused).detail).toBe('payout_too_large: payout 1 exceeds 5 sat');
});
