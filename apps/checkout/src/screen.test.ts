import { type OrderStatus, orderStatuses } from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fixtureView } from './fixture.ts';
import { invitesPayment, isSettled, screenOf, toneOf } from './screen.ts';

const status = fc.constantFrom<OrderStatus>(...orderStatuses);
const view = fc
  .record({
    status,
    expired: fc.boolean(),
    lateSats: fc.constantFrom('0', '5'),
    excessSats: fc.constantFrom('0', '5'),
    reviewSats: fc.constantFrom('0', '5'),
    confirmations: fc.record({ have: fc.nat(12), need: fc.nat(12) }),
  })
  .map((change) => fixtureView(change));
const EXPIRY_MS = Date.parse(fixtureView().expiresAt);

test('nobody is invited to pay after the expiry, whatever the status says', () => {
  fc.assert(
    fc.property(view, fc.nat(86_400_000), (order, laterMs) => {
      expect(invitesPayment(screenOf(order, EXPIRY_MS + laterMs))).toBe(false);
    }),
  );
});

test('nobody is invited to pay an order that is paid, closed or invalid', () => {
  fc.assert(
    fc.property(view, (order) => {
      if (order.status === 'PENDING' || order.status === 'UNDERPAID') return;
      expect(invitesPayment(screenOf(order, EXPIRY_MS - 60_000))).toBe(false);
    }),
  );
});

test('only a confirmed order is shown as paid', () => {
  fc.assert(
    fc.property(view, fc.integer({ min: -60_000, max: 60_000 }), (order, offsetMs) => {
      const paid = order.status === 'CONFIRMED' || order.status === 'OVERPAID';
      expect(toneOf(screenOf(order, EXPIRY_MS + offsetMs)) === 'good').toBe(paid);
    }),
  );
});

test('overpaid-never-confirms: too much that is unconfirmed is still on its way, not done', () => {
  const order = fixtureView({ status: 'UNCONFIRMED', excessSats: '10', receivedSats: '41245' });
  expect(screenOf(order, EXPIRY_MS - 1)).toBe('seen');
  expect(isSettled(screenOf(order, EXPIRY_MS - 1))).toBe(false);
});

test('a payment that is being checked says so, whatever its confirmations, and is not done', () => {
  for (const have of [0, 6]) {
    const checked = { status: 'UNCONFIRMED', reviewSats: '41235', receivedSats: '41235' } as const;
    const order = fixtureView({ ...checked, confirmations: { have, need: 1 } });
    expect(screenOf(order, EXPIRY_MS + 1)).toBe('review');
    expect(isSettled('review')).toBe(false);
  }
});

test('late-payment-lost: what came after expiry has its own screen, not "nothing arrived"', () => {
  const order = fixtureView({ status: 'EXPIRED', expired: true, lateSats: '41235' });
  expect(screenOf(order, EXPIRY_MS + 1)).toBe('late');
  expect(isSettled('late')).toBe(false);
});
