import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  postTransfers,
  refundableCredited,
  refundReserved,
} from '../../accounting/ledger/index.ts';
import { AppError } from '../../platform/errors.ts';
import { approvePayout } from '../payouts/index.ts';
import { cancelRefund, renewClaimLink } from './change-refund.ts';
import { checkClaim, claimRefund } from './claim-refund.ts';
import type { Created } from './create-refund.ts';
import { expireRefunds } from './expire-refunds.ts';
import { refundPayoutChanged } from './follow-payouts.ts';
import { refundsListener } from './pay-by-payouts.ts';
import type { PayoutNews } from './refund.ts';
import { CUSTOMER, openRefunds, type TestRefunds } from './test-support.ts';

let refunds: TestRefunds;
beforeAll(async () => {
  refunds = await openRefunds();
});
afterAll(() => refunds.receiving.close());

/** An order of 100,000 sat in a store of its own, paid with so much. */
async function paidOrder(sats = 100_000n) {
  const merchantId = await refunds.store();
  const order = await refunds.receiving.order(merchantId);
  const payment = refunds.payment(sats);
  await refunds.apply(order, ...payment.confirmed());
  return { merchantId, order, payment };
}

function claim({ link }: Created, address = CUSTOMER, proof = '') {
  const hash = link?.hash ?? new Uint8Array();
  return claimRefund(refunds.receiving.database, refunds.deps, { hash, address, proof });
}

async function payoutNews(refund: Created['refund'], state: PayoutNews['state'], txid?: string) {
  const { merchantId, id: refundId, payoutId } = await refunds.read(refund);
  const { ids, clock, database } = refunds.receiving;
  const news = { state, reason: null, txid: txid ?? null, feeShareSats: 0n, origin: null };
  await database.asSystem((tx) =>
    refundPayoutChanged(
      tx,
      { ids, nowMs: clock.nowMs() },
      { merchantId, refundId, payoutId: payoutId ?? '', ...news },
    ),
  );
}

const TXID = 'ab'.repeat(32);

/** A hundred wait for a few connections: one that has waited too long is told so, and asks again. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.status !== 503) throw error;
    }
  }
}

test('refund-cap: of a hundred refunds at once only as many are made as the order has received', async () => {
  const { merchantId, order } = await paidOrder(100_000n);
  const answers = await Promise.allSettled(
    Array.from({ length: 100 }, () =>
      insist(() => refunds.refund(order, { mode: 'custom', amount: '0.00003000' })),
    ),
  );
  const made = answers.filter(({ status }) => status === 'fulfilled');
  expect(made).toHaveLength(33);
  for (const answer of answers) {
    if (answer.status === 'fulfilled') continue;
    expect(answer.reason).toMatchObject({ code: 'refund_exceeds_received' });
  }
  expect(await refunds.refundable(order)).toBe(1_000n);
  expect(await refunds.order(order)).toMatchObject({ refundingSats: '99000', refundedSats: '0' });
  expect(await refunds.isSound(merchantId)).toBe(true);
});

test('refund-cap: the ledger itself refuses, whatever the program has reckoned', async () => {
  const merchantId = await refunds.store();
  const orderId = refunds.receiving.ids.next();
  const key = { merchantId, orderId, epoch: 1, atMs: 1 };
  const credit = refundableCredited({ ...key, amountSats: 100n });
  const reserve = (basisSats: bigint) =>
    refundReserved({ ...key, refundId: refunds.receiving.ids.next(), basisSats });
  const post = (...transfers: Parameters<typeof postTransfers>[1]) =>
    refunds.receiving.database.asTenant(merchantId, (tx) => postTransfers(tx, transfers));
  await post(credit, reserve(60n));
  await expect(post(reserve(41n))).rejects.toMatchObject({ code: 'below_floor' });
  const many = await Promise.allSettled(Array.from({ length: 20 }, () => post(reserve(10n))));
  expect(many.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
});

test('a full refund is claimed, sent and confirmed, and its order is REFUNDED', async () => {
  const { merchantId, order } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'full', note: 'Sold out, sorry' });
  expect(created.refund).toMatchObject({ state: 'PENDING', basisSats: 100_000n, payoutId: null });
  expect((await refunds.order(order)).status).toBe('CONFIRMED');
  expect(await claim(created)).toEqual({ kind: 'right', address: CUSTOMER });
  const claimed = await refunds.read(created.refund);
  expect(claimed).toMatchObject({ address: CUSTOMER, reason: 'awaiting_approval' });
  const [payout] = await refunds.receiving.sql(
    'SELECT source, state, destination, amount_sats, fee_from, refund_id FROM payout WHERE id = $1',
    [claimed.payoutId],
  );
  expect(payout).toEqual({
    ...{ source: 'refund', state: 'awaiting_approval', destination: CUSTOMER },
    ...{ amount_sats: '100000', fee_from: 'sender', refund_id: created.refund.id },
  });

  await payoutNews(created.refund, 'broadcast', TXID);
  expect(await refunds.order(order)).toMatchObject({ status: 'REFUNDED', refundedSats: '100000' });
  await payoutNews(created.refund, 'confirmed', TXID);
  await payoutNews(created.refund, 'confirmed', TXID);
  expect(await refunds.read(created.refund)).toMatchObject({ state: 'CONFIRMED', txid: TXID });
  expect((await refunds.events(merchantId)).filter((type) => type.startsWith('refund.'))).toEqual([
    ...['refund.created', 'refund.claimed', 'refund.sent', 'refund.confirmed'],
  ]);
  const again = refunds.refund(order, { mode: 'full' });
  await expect(again).rejects.toMatchObject({ code: 'refund_exceeds_received' });
  expect(await refunds.isSound(merchantId)).toBe(true);
});

test('a part that is paid back leaves the order CONFIRMED and says how much it was', async () => {
  const { order } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'partial', amount: '0.0004' });
  await claim(created);
  await payoutNews(created.refund, 'broadcast', TXID);
  expect(await refunds.order(order)).toMatchObject({ status: 'CONFIRMED', refundedSats: '40000' });
  const rest = await refunds.refund(order, { mode: 'full' });
  expect(rest.refund.basisSats).toBe(60_000n);
});

test('what was paid too much is paid back out of customer.excess', async () => {
  const { merchantId, order } = await paidOrder(150_000n);
  const settled = { 'onchain.wallet': 150_000n, 'merchant.available': 100_000n };
  expect(await refunds.balances(merchantId)).toEqual({ ...settled, 'customer.excess': 50_000n });
  const created = await refunds.refund(order, { mode: 'overpaid' });
  expect(created.refund).toMatchObject({ basisSats: 50_000n, fromExcessSats: 50_000n });
  await claim(created);
  // From here it is the payout's to take from merchant.available.
  expect(await refunds.balances(merchantId)).toEqual({
    ...{ 'onchain.wallet': 150_000n, 'merchant.available': 150_000n },
  });
  await refunds.receiving.database.asTenant(merchantId, (tx) =>
    cancelRefund(tx, refunds.deps, created.refund),
  );
  expect(await refunds.balances(merchantId)).toEqual({ ...settled, 'customer.excess': 50_000n });
  const states = await refunds.receiving.sql<{ state: string }>(
    'SELECT state FROM payout WHERE merchant_id = $1',
    [merchantId],
  );
  expect(states).toEqual([{ state: 'cancelled' }]);
});

test('money of an order that ran out of time, or came late, is paid back out of what is held', async () => {
  const merchantId = await refunds.store();
  const order = await refunds.receiving.order(merchantId);
  const short = refunds.payment(30_000n);
  await refunds.apply(order, ...short.confirmed());
  const early = refunds.refund(order, { mode: 'full' });
  await expect(early).rejects.toMatchObject({ code: 'conflict' });
  await refunds.expire(order);
  const late = refunds.payment(20_000n, refunds.receiving.clock.nowMs() + 9e9);
  await refunds.apply(order, ...late.confirmed());
  expect(await refunds.balances(merchantId)).toEqual({
    ...{ 'onchain.wallet': 50_000n, 'receipts.unapplied': 50_000n },
  });
  const created = await refunds.refund(order, { mode: 'full' });
  expect(created.refund).toMatchObject({ basisSats: 50_000n, fromHeldSats: 50_000n });
  await claim(created);
  await payoutNews(created.refund, 'confirmed', TXID);
  expect(await refunds.order(order)).toMatchObject({ status: 'REFUNDED', refundedSats: '50000' });
  const drawn = { 'onchain.wallet': 50_000n, 'merchant.available': 50_000n };
  expect(await refunds.balances(merchantId)).toEqual(drawn);

  // The payment leaves the chain after it was paid back: it can be booked, and the merchant bears it.
  await refunds.apply(order, short.returned, short.dropped);
  expect(await refunds.balances(merchantId)).toEqual({
    ...{ 'onchain.wallet': 20_000n, 'merchant.available': 20_000n },
  });
  await refunds.apply(order, ...short.confirmed('b'));
  expect(await refunds.balances(merchantId)).toEqual(drawn);
  expect(await refunds.isSound(merchantId)).toBe(true);
});

test('a payment that leaves the chain takes its unclaimed refund with it, until it is back', async () => {
  const { merchantId, order, payment } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'full' });
  await refunds.apply(order, payment.returned);
  expect(await refunds.read(created.refund)).toMatchObject({
    ...{ state: 'PENDING', held: true, reason: 'payment_unconfirmed', capState: 'none' },
  });
  expect(await refunds.refundable(order)).toBe(0n);
  expect(await claim(created)).toEqual({ kind: 'closed' });
  await refunds.apply(order, ...payment.confirmed('b'));
  expect(await refunds.read(created.refund)).toMatchObject({ state: 'PENDING', held: false });
  expect(await claim(created)).toMatchObject({ kind: 'right' });
  // Now its payout waits for an approval: it is cancelled, and made anew when the money is back.
  const first = (await refunds.read(created.refund)).payoutId;
  await refunds.apply(order, payment.returned);
  expect(await refunds.read(created.refund)).toMatchObject({ held: true, payoutId: null });
  await refunds.apply(order, ...payment.confirmed('c'));
  const { payoutId, held, address } = await refunds.read(created.refund);
  expect({ held, address, same: payoutId === first }).toEqual({
    ...{ held: false, address: CUSTOMER, same: false },
  });
  const payouts = await refunds.receiving.sql<{ state: string }>(
    'SELECT state FROM payout WHERE merchant_id = $1 ORDER BY id',
    [merchantId],
  );
  expect(payouts.map(({ state }) => state).toSorted()).toEqual(['awaiting_approval', 'cancelled']);
  expect(await refunds.refundable(order)).toBe(0n);
  expect(await refunds.isSound(merchantId)).toBe(true);
});

test('a refund that was being paid when its payment left is held when that payment of it fails', async () => {
  const { merchantId, order, payment } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'full' });
  await claim(created);
  const { payoutId } = await refunds.read(created.refund);
  const spendId = refunds.receiving.ids.next();
  await refunds.receiving.sql(
    `INSERT INTO spend (merchant_id, id, wallet_id, kind, origin, state, anchor_txid, anchor_vout,
            version, max_fee_rate, created_at, updated_at)
     SELECT merchant_id, $2, id, 'payouts', 'manual', 'planned', decode(repeat('00', 32), 'hex'), 0,
            1, 1, now(), now() FROM receiving_wallet WHERE merchant_id = $1 LIMIT 1 RETURNING id`,
    [merchantId, spendId],
  );
  const take = (state: string, by: string | null) =>
    refunds.receiving.sql(
      'UPDATE payout SET state = $2, spend_id = $3 WHERE id = $1 RETURNING id',
      [payoutId, state, by],
    );
  await take('in_progress', spendId);
  await refunds.apply(order, payment.returned);
  expect(await refunds.read(created.refund)).toMatchObject({ state: 'PENDING', held: false });
  await take('awaiting_approval', null);
  await refunds.apply(order);
  expect(await refunds.read(created.refund)).toMatchObject({ held: true, payoutId: null });
  expect(await refunds.isSound(merchantId)).toBe(true);
});

test('what is paid back stays so when its payment leaves the chain, and can not be promised again', async () => {
  const { merchantId, order, payment } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'partial', amount: '0.0007' });
  await claim(created);
  await payoutNews(created.refund, 'broadcast', TXID);
  const waiting = await refunds.refund(order, { mode: 'full' });
  await refunds.apply(order, payment.returned);
  expect(await refunds.read(created.refund)).toMatchObject({ state: 'SENT', held: false });
  expect(await refunds.read(waiting.refund)).toMatchObject({ held: true });
  expect(await refunds.refundable(order)).toBe(0n);
  expect((await refunds.order(order)).status).toBe('REFUNDED');
  await refunds.apply(order, ...payment.confirmed('b'));
  expect((await refunds.order(order)).status).toBe('CONFIRMED');
  expect(await refunds.read(waiting.refund)).toMatchObject({ held: false, basisSats: 30_000n });
  expect(await refunds.isSound(merchantId)).toBe(true);
});

test('a claim counts once, however often it is sent and by however many', async () => {
  const { merchantId, order } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'full' });
  const answers = await Promise.all(Array.from({ length: 20 }, () => claim(created)));
  expect(answers.filter(({ kind }) => kind === 'right')).toHaveLength(1);
  expect(answers.filter(({ kind }) => kind === 'closed')).toHaveLength(19);
  const payouts = await refunds.receiving.sql('SELECT 1 FROM payout WHERE merchant_id = $1', [
    merchantId,
  ]);
  expect(payouts).toHaveLength(1);
});

test('who made a refund can not approve its payout where makers may not, whoever has claimed it', async () => {
  const { merchantId, order, payment } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'full' });
  // The link was shown to whoever made the refund.
  await claim(created);
  const { ids, clock, database, sql } = refunds.receiving;
  await sql(
    `INSERT INTO payout_policy (merchant_id, policy, updated_at)
     VALUES ($1, '{"creatorMayApprove": false}', now())
     ON CONFLICT (merchant_id) DO UPDATE
        SET policy = payout_policy.policy || '{"creatorMayApprove": false}'`,
    [merchantId],
  );
  const approve = async (by: string) => {
    const { payoutId: id } = await refunds.read(created.refund);
    const own = { merchantId, id: id ?? '' };
    const telling = { ids, nowMs: clock.nowMs() };
    const deps = { network: 'regtest', listener: refundsListener } as const;
    const approving = { by, signature: null };
    return await database.asTenant(merchantId, (tx) =>
      approvePayout(tx, deps, telling, { own, approving }),
    );
  };
  await expect(approve('key:test')).rejects.toMatchObject({ code: 'forbidden' });
  // One that goes on after a reorganisation has another payout, of the same maker.
  await refunds.apply(order, payment.returned);
  await refunds.apply(order, ...payment.confirmed('b'));
  await expect(approve('key:test')).rejects.toMatchObject({ code: 'forbidden' });
  expect((await approve('key:other')).state).toBe('approved');
});

test('who made the link that a refund was claimed with can not approve its payout either', async () => {
  const { merchantId, order } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'full' });
  const { ids, clock, database, sql } = refunds.receiving;
  const renewed = await database.asTenant(merchantId, (tx) =>
    renewClaimLink(tx, refunds.deps, { ...created.refund, by: 'key:renewer' }),
  );
  await claim(renewed);
  await sql(
    `INSERT INTO payout_policy (merchant_id, policy, updated_at)
     VALUES ($1, '{"creatorMayApprove": false}', now())
     ON CONFLICT (merchant_id) DO UPDATE
        SET policy = payout_policy.policy || '{"creatorMayApprove": false}'`,
    [merchantId],
  );
  const { payoutId: id } = await refunds.read(created.refund);
  const approve = (by: string) =>
    database.asTenant(merchantId, (tx) =>
      approvePayout(
        tx,
        { network: 'regtest', listener: refundsListener },
        { ids, nowMs: clock.nowMs() },
        { own: { merchantId, id: id ?? '' }, approving: { by, signature: null } },
      ),
    );
  await expect(approve('key:renewer')).rejects.toMatchObject({ code: 'forbidden' });
  await expect(approve('key:test')).rejects.toMatchObject({ code: 'forbidden' });
  expect((await approve('key:other')).state).toBe('approved');
});

test('what is too small for the fee that the customer bears is refused when it is made, not when it is claimed', async () => {
  const { order } = await paidOrder();
  const wish = { mode: 'custom', feeFrom: 'customer' } as const;
  const least = refunds.refund(order, { ...wish, amount: '0.00000546' });
  await expect(least).rejects.toMatchObject({ code: 'amount_too_small' });
  const created = await refunds.refund(order, { ...wish, amount: '0.00000547' });
  expect(await claim(created)).toEqual({ kind: 'right', address: CUSTOMER });
});

test('an address that can not be paid, is the store’s own or is not proven is refused', async () => {
  const { order } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'full', proofRequired: true });
  const fault = async (address: string, proof = '') => {
    const claimed = await claim(created, address, proof);
    return claimed.kind === 'fault' ? claimed.fault.code : claimed.kind;
  };
  expect(await fault('')).toBe('empty');
  expect(await fault('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toBe('wrong_network');
  expect(await fault(`${CUSTOMER.slice(0, -1)}1`)).toBe('not_an_address');
  expect(await fault(order.address)).toBe('own_address');
  expect(await fault(CUSTOMER)).toBe('proof_missing');
  expect(await fault(CUSTOMER, 'wrong')).toBe('proof_wrong');
  const hash = created.link?.hash ?? new Uint8Array();
  const checked = await refunds.receiving.database.asPublic((tx) =>
    checkClaim(tx, refunds.deps, { hash, address: CUSTOMER, proof: 'right' }),
  );
  expect(checked).toEqual({ kind: 'right', address: CUSTOMER });
  expect(await refunds.read(created.refund)).toMatchObject({ address: null });
  expect(await claim(created, CUSTOMER, 'right')).toMatchObject({ kind: 'right' });
  expect(await refunds.read(created.refund)).toMatchObject({ proof: 'right' });
});

test('a new link makes the old one worthless; a link that ran out ends its refund', async () => {
  const { merchantId, order } = await paidOrder();
  const old = await refunds.refund(order, { mode: 'full' });
  const { database, clock } = refunds.receiving;
  const renewed = await database.asTenant(merchantId, (tx) =>
    renewClaimLink(tx, refunds.deps, { ...old.refund, by: 'key:test' }),
  );
  expect(await claim(old)).toEqual({ kind: 'unknown' });
  clock.set(clock.nowMs() + 31 * 86_400_000);
  expect(await claim(renewed)).toEqual({ kind: 'closed' });
  // The other tests' refunds run out as well.
  expect(await expireRefunds(database, refunds.deps)).toBeGreaterThan(0);
  expect(await refunds.read(old.refund)).toMatchObject({ state: 'EXPIRED', capState: 'none' });
  expect(await refunds.refundable(order)).toBe(100_000n);
});

test('a payout that fails ends its refund, and the amount may be refunded anew', async () => {
  const { order } = await paidOrder();
  const created = await refunds.refund(order, { mode: 'full' });
  await claim(created);
  await payoutNews(created.refund, 'broadcast', TXID);
  await payoutNews(created.refund, 'approved');
  expect(await refunds.read(created.refund)).toMatchObject({ state: 'PENDING', txid: null });
  expect((await refunds.order(order)).status).toBe('CONFIRMED');
  await payoutNews(created.refund, 'failed');
  expect(await refunds.read(created.refund)).toMatchObject({ state: 'FAILED' });
  expect(await refunds.refundable(order)).toBe(100_000n);
});

test('an order that was refunded and whose late money is accepted after all books both', async () => {
  const merchantId = await refunds.store();
  const order = await refunds.receiving.order(merchantId);
  await refunds.expire(order);
  const late = refunds.payment(100_000n, refunds.receiving.clock.nowMs() + 9e9);
  await refunds.apply(order, ...late.confirmed());
  const created = await refunds.refund(order, { mode: 'late' });
  await claim(created);
  await payoutNews(created.refund, 'broadcast', TXID);
  await refunds.apply(order, { type: 'late_accepted', atMs: 1 });
  expect(await refunds.order(order)).toMatchObject({ status: 'REFUNDED' });
  // All of it is the merchant's now, and his to pay the refund from.
  expect(await refunds.balances(merchantId)).toEqual({
    ...{ 'onchain.wallet': 100_000n, 'merchant.available': 100_000n },
  });
  expect(await refunds.isSound(merchantId)).toBe(true);
});

test('refunds made, claimed and cancelled while the chain reorganises: all end, none exceeds', async () => {
  const { merchantId, order, payment } = await paidOrder(100_000n);
  const { database } = refunds.receiving;
  const made: Created[] = [];
  const refusals = new Set<string>();
  const attempt = async (work: Promise<unknown>) => {
    await work.catch((error: { code?: string }) => refusals.add(error.code ?? String(error)));
  };
  const merchant = async () => {
    for (let i = 0; i < 12; i++) {
      await attempt(
        refunds.refund(order, { mode: 'custom', amount: '0.0001' }).then((each) => {
          made.push(each);
        }),
      );
      const any = made[i % Math.max(1, made.length)];
      if (any === undefined) continue;
      if (i % 3 === 0) await attempt(claim(any));
      if (i % 3 === 1) {
        await attempt(
          database.asTenant(merchantId, (tx) => cancelRefund(tx, refunds.deps, any.refund)),
        );
      }
    }
  };
  const chain = async () => {
    for (let i = 0; i < 8; i++) {
      await refunds.apply(order, payment.returned);
      await refunds.apply(order, ...payment.confirmed(`${i}b`));
    }
  };
  await Promise.all([merchant(), merchant(), merchant(), chain()]);
  // A refusal is an answer; a deadlock, a halted watcher or a broken invariant would be an error.
  expect([...refusals].filter((code) => !ANSWERS.has(code))).toEqual([]);
  const [sum] = await refunds.receiving.sql<{ taken: string }>(
    `SELECT coalesce(sum(basis_sats) FILTER (WHERE cap_state <> 'none'), 0) AS taken FROM refund
      WHERE order_id = $1`,
    [order.id],
  );
  const taken = BigInt(sum?.taken ?? 0);
  expect(taken <= 100_000n).toBe(true);
  expect(await refunds.refundable(order)).toBe(100_000n - taken);
  expect(await refunds.order(order)).toMatchObject({ refundingSats: taken.toString() });
  expect(await refunds.isSound(merchantId)).toBe(true);
});

const ANSWERS: ReadonlySet<string> = new Set(['conflict', 'refund_exceeds_received']);
