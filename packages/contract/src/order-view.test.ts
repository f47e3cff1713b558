import { expect, test } from 'vitest';
import { type OrderView, orderViewSchema } from './order-view.ts';

const view: OrderView = {
  orderId: '01957e2a-6c00-7d3f-9a41-5b1f0e7c2d94',
  version: 1,
  status: 'UNCONFIRMED',
  expired: false,
  store: { name: 'Corner Books', logoUrl: 'https://cdn.example/a.png', color: '#2f54d6' },
  description: null,
  price: { currency: 'USD', amount: '25.00' },
  dueSats: '41235',
  receivedSats: '41235',
  confirmedSats: '0',
  remainingSats: '0',
  excessSats: '0',
  lateSats: '0',
  reviewSats: '0',
  refundedSats: '0',
  rate: {
    currency: 'USD',
    pricePerBtc: '60628.1072',
    source: 'fixed',
    at: '2026-03-14T09:19:56.000Z',
  },
  address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
  bip21: 'bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.00041235',
  lightning: null,
  network: 'mainnet',
  confirmations: { have: 0, need: 1 },
  payments: [
    {
      method: 'onchain',
      paymentHash: null,
      txid: 'e3bf3d07d4b0375638d5f1db5255fe07ba2c4cb067cd81b84ee974b6585fb468',
      vout: 0,
      sats: '41235',
      state: 'seen',
      confirmations: 0,
      review: 'none',
      late: false,
      seenAt: '2026-03-14T09:33:02.000Z',
    },
  ],
  createdAt: '2026-03-14T09:20:00.000Z',
  expiresAt: '2026-03-14T09:50:00.000Z',
  serverTime: '2026-03-14T09:35:28.000Z',
  redirectUrl: 'https://shop.example/orders/1042',
  explorerTxUrl: 'https://mempool.example/tx/{txid}',
};

test('a whole view is accepted and comes back as it was', () => {
  expect(orderViewSchema.parse(view)).toEqual(view);
});

test('a field that is not for payers is not let through', () => {
  const more = { ...view, merchantId: 'm', metadata: { secret: 1 } };
  expect(orderViewSchema.parse(more)).toEqual(view);
});

test.each<[string, Partial<Record<keyof OrderView, unknown>>]>([
  ['an amount as a number', { dueSats: 41235 }],
  ['a fraction of a sat', { dueSats: '0.5' }],
  ['a negative amount', { remainingSats: '-1' }],
  ['an exponent', { price: { currency: 'USD', amount: '1e3' } }],
  ['a script as the way back', { redirectUrl: 'javascript:alert(1)' }],
  ['a picture inside the link', { store: { ...view.store, logoUrl: 'data:image/png;base64,x' } }],
  ['a colour that is CSS', { store: { ...view.store, color: 'red;}' } }],
  ['an explorer without a place for the transaction', { explorerTxUrl: 'https://x.example/' }],
  ['an explorer that is a script', { explorerTxUrl: 'javascript:{txid}' }],
  ['a payment link of another scheme', { bip21: 'https://x.example/' }],
  ['a status of its own', { status: 'PAID' }],
  ['a time without its zone', { expiresAt: '2026-03-14T09:50:00' }],
])('%s is refused', (_, change) => {
  expect(orderViewSchema.safeParse({ ...view, ...change }).success).toBe(false);
});
