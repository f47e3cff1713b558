import type { ClaimStep } from '@quittance/checkout';
import { type RefundView, refundViewSchema } from '@quittance/contract';

const TXID = 'e3bf3d07d4b0375638d5f1db5255fe07ba2c4cb067cd81b84ee974b6585fb468';
const ADDRESS = 'bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297';

/** A refund of 25 dollars that waits for its address. */
export function refundFixture(change: Partial<RefundView> = {}): RefundView {
  return refundViewSchema.parse({
    screen: 'open',
    store: { name: 'Alder & Finch Coffee', logoUrl: null, color: '#2f54d6' },
    orderNumber: 'cart-7781',
    description: 'Order 1042: two bags of beans',
    note: null,
    grossSats: '41235',
    deductionSats: '0',
    payoutSats: '41235',
    value: { currency: 'USD', amount: '25.00' },
    feeFrom: 'merchant',
    feeShareSats: '0',
    rate: 'original',
    proofMessage: null,
    network: 'mainnet',
    addressPrefix: 'bc1',
    address: null,
    txid: null,
    explorerTxUrl: 'https://mempool.example/tx/{txid}',
    expiresAt: '2026-04-13T09:20:00.000Z',
    serverTime: '2026-03-14T09:35:28.000Z',
    ...change,
  });
}

const proofMessage = 'I receive the refund 01957e2a-6c00-7d3f-9a41-5b1f0e7c2d94 at this address.';
const claimed = { address: ADDRESS, expiresAt: null };
const closed = { expiresAt: null };

/** Each screen of the claim page, by the name that its screenshots carry. */
export const refundFixtures: Record<string, { view: RefundView; step?: ClaimStep }> = {
  open: { view: refundFixture({ note: 'The light roast is sold out, sorry!' }) },
  deducted: {
    view: refundFixture({
      ...{ grossSats: '41235', deductionSats: '4123', payoutSats: '37112' },
      ...{ value: { currency: 'USD', amount: '22.50' }, feeFrom: 'customer', rate: 'current' },
    }),
  },
  'wrong-address': {
    view: refundFixture(),
    step: {
      name: 'form',
      address: 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx',
      proof: '',
      problem: { field: 'address', code: 'wrong_network' },
    },
  },
  proof: { view: refundFixture({ proofMessage }) },
  'wrong-proof': {
    view: refundFixture({ proofMessage }),
    step: {
      name: 'form',
      address: ADDRESS,
      proof: 'AkcwRAIgbm90IGEgc2lnbmF0dXJl',
      problem: { field: 'proof', code: 'proof_wrong' },
    },
  },
  check: { view: refundFixture(), step: { name: 'check', address: ADDRESS, proof: '' } },
  unavailable: {
    view: refundFixture(),
    step: { name: 'unavailable', address: ADDRESS, proof: '' },
  },
  held: { view: refundFixture({ screen: 'held', ...closed }) },
  approving: { view: refundFixture({ screen: 'approving', ...claimed }) },
  sending: { view: refundFixture({ screen: 'sending', ...claimed }) },
  sent: {
    view: refundFixture({
      ...{ screen: 'sent', ...claimed, txid: TXID },
      ...{ feeFrom: 'customer', feeShareSats: '705' },
    }),
  },
  confirmed: { view: refundFixture({ screen: 'confirmed', ...claimed, txid: TXID }) },
  failed: { view: refundFixture({ screen: 'failed', ...claimed }) },
  cancelled: { view: refundFixture({ screen: 'cancelled', ...closed }) },
  expired: { view: refundFixture({ screen: 'expired', ...closed }) },
  testnet: { view: refundFixture({ network: 'signet', addressPrefix: 'tb1' }) },
};
