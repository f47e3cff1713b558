import type { OrderView } from '@quittance/contract';

/** An order of 25 dollars before anything has arrived, for the tests beside this code. */
export function fixtureView(change: Partial<OrderView> = {}): OrderView {
  const address = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';
  return {
    orderId: '01957e2a-6c00-7d3f-9a41-5b1f0e7c2d94',
    version: 1,
    status: 'PENDING',
    expired: false,
    store: { name: 'Corner Books', logoUrl: null, color: null },
    description: null,
    price: { currency: 'USD', amount: '25.00' },
    dueSats: '41235',
    receivedSats: '0',
    confirmedSats: '0',
    remainingSats: '41235',
    excessSats: '0',
    lateSats: '0',
    reviewSats: '0',
    refundedSats: '0',
    rate: null,
    address,
    bip21: `bitcoin:${address}?amount=0.00041235`,
    lightning: null,
    network: 'mainnet',
    confirmations: { have: 0, need: 1 },
    payments: [],
    createdAt: '2026-03-14T09:20:00.000Z',
    expiresAt: '2026-03-14T09:50:00.000Z',
    serverTime: '2026-03-14T09:35:00.000Z',
    redirectUrl: null,
    explorerTxUrl: null,
    ...change,
  };
}
