import { type OrderPaymentView, type OrderView, orderViewSchema } from '@quittance/contract';

const TXID = 'e3bf3d07d4b0375638d5f1db5255fe07ba2c4cb067cd81b84ee974b6585fb468';
const OTHER_TXID = '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b';
const ADDRESS = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';
const CREATED = '2026-03-14T09:20:00.000Z';
const NOW = '2026-03-14T09:35:28.000Z';
const EXPIRES = '2026-03-14T09:50:00.000Z';

/** An order of 25 dollars at the moment before anything has arrived. */
export function orderView(change: Partial<OrderView> = {}): OrderView {
  const view: OrderView = {
    orderId: '01957e2a-6c00-7d3f-9a41-5b1f0e7c2d94',
    version: 1,
    status: 'PENDING',
    expired: false,
    store: { name: 'Alder & Finch Coffee', logoUrl: null, color: '#2f54d6' },
    description: 'Order 1042: two bags of beans',
    price: { currency: 'USD', amount: '25.00' },
    dueSats: '41235',
    receivedSats: '0',
    confirmedSats: '0',
    remainingSats: '41235',
    excessSats: '0',
    lateSats: '0',
    reviewSats: '0',
    refundedSats: '0',
    rate: {
      currency: 'USD',
      pricePerBtc: '60628.1072',
      source: 'Kraken, Coinbase, Bitstamp',
      at: '2026-03-14T09:19:56.000Z',
    },
    address: ADDRESS,
    bip21: `bitcoin:${ADDRESS}?amount=0.00041235&label=Alder%20%26%20Finch%20Coffee`,
    lightning: null,
    network: 'mainnet',
    confirmations: { have: 0, need: 3 },
    payments: [],
    createdAt: CREATED,
    expiresAt: EXPIRES,
    serverTime: NOW,
    redirectUrl: 'https://shop.example/orders/1042',
    explorerTxUrl: 'https://mempool.example/tx/{txid}',
    ...change,
  };
  return orderViewSchema.parse(view);
}

export function payment(change: Partial<OrderPaymentView> = {}): OrderPaymentView {
  return {
    method: 'onchain',
    paymentHash: null,
    txid: TXID,
    vout: 0,
    sats: '41235',
    state: 'seen',
    confirmations: 0,
    review: 'none',
    late: false,
    seenAt: '2026-03-14T09:33:02.000Z',
    ...change,
  };
}

/** BOLT 11's own example of an invoice with a description, as long as they usually are. */
export const BOLT11 =
  'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh';

/** The same order with an invoice to pay it by. */
export function lightningView(change: Partial<OrderView> = {}): OrderView {
  const view = orderView(change);
  const lightning = { bolt11: BOLT11, offer: null, expiresAt: view.expiresAt };
  return orderView({ ...view, lightning, bip21: `${view.bip21}&lightning=${BOLT11}` });
}

const arrived = { receivedSats: '41235', remainingSats: '0', version: 2 };
const confirmed = {
  ...arrived,
  confirmedSats: '41235',
  confirmations: { have: 3, need: 3 },
  version: 5,
};
const confirmedPayment = payment({ state: 'confirmed', confirmations: 3 });

/** One view for each screen, by the name that its screenshots carry. */
export const fixtures: Record<string, OrderView> = {
  waiting: orderView(),
  partial: orderView({
    status: 'UNDERPAID',
    version: 2,
    receivedSats: '26000',
    remainingSats: '15235',
    bip21: `bitcoin:${ADDRESS}?amount=0.00015235&label=Alder%20%26%20Finch%20Coffee`,
    payments: [payment({ sats: '26000' })],
  }),
  replaced: orderView({
    version: 3,
    payments: [payment({ state: 'replaced' })],
    serverTime: '2026-03-14T09:48:40.000Z',
  }),
  seen: orderView({ ...arrived, status: 'UNCONFIRMED', payments: [payment()] }),
  confirming: orderView({
    ...arrived,
    status: 'UNCONFIRMED',
    confirmations: { have: 1, need: 3 },
    payments: [payment({ state: 'confirming', confirmations: 1 })],
  }),
  paid: orderView({ ...confirmed, status: 'CONFIRMED', payments: [confirmedPayment] }),
  overpaid: orderView({
    ...confirmed,
    status: 'OVERPAID',
    receivedSats: '51235',
    confirmedSats: '51235',
    excessSats: '10000',
    payments: [
      confirmedPayment,
      payment({ txid: OTHER_TXID, vout: 1, sats: '10000', state: 'confirmed', confirmations: 3 }),
    ],
  }),
  expired: orderView({ status: 'EXPIRED', expired: true, version: 2 }),
  short: orderView({
    status: 'UNDERPAID',
    expired: true,
    version: 3,
    receivedSats: '26000',
    confirmedSats: '26000',
    remainingSats: '15235',
    payments: [payment({ sats: '26000', state: 'confirmed', confirmations: 3 })],
  }),
  late: orderView({
    status: 'EXPIRED',
    expired: true,
    version: 3,
    lateSats: '41235',
    payments: [payment({ late: true, seenAt: '2026-03-14T10:12:00.000Z' })],
    serverTime: '2026-03-14T10:13:00.000Z',
  }),
  'waiting-lightning': lightningView(),
  'partial-lightning': lightningView({
    status: 'UNDERPAID',
    version: 2,
    receivedSats: '26000',
    remainingSats: '15235',
    bip21: `bitcoin:${ADDRESS}?amount=0.00015235&label=Alder%20%26%20Finch%20Coffee`,
    payments: [payment({ sats: '26000', state: 'confirmed' })],
  }),
  'paid-lightning': orderView({
    ...{ receivedSats: '41235', remainingSats: '0', confirmedSats: '41235', version: 2 },
    status: 'CONFIRMED',
    confirmations: { have: 3, need: 3 },
    payments: [
      payment({
        method: 'lightning',
        txid: null,
        vout: null,
        paymentHash: OTHER_TXID,
        state: 'confirmed',
      }),
    ],
  }),
  invalid: orderView({ status: 'INVALID', version: 2, redirectUrl: null }),
  'partly-refunded': orderView({
    ...confirmed,
    status: 'CONFIRMED',
    refundedSats: '10000',
    version: 6,
    payments: [confirmedPayment],
  }),
  refunded: orderView({
    ...confirmed,
    status: 'REFUNDED',
    refundedSats: '41235',
    version: 7,
    payments: [confirmedPayment],
  }),
};
