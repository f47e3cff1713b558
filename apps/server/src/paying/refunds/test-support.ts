import { randomFillSync } from 'node:crypto';
import { addressToScript } from '@quittance/bitcoin';
import type { CreateRefundInput, Order } from '@quittance/contract';
import { createRefundSchema } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { readBalanceOf, readBalances, verifyJournal } from '../../accounting/ledger/index.ts';
import { inTurn } from '../../receiving/chain/index.ts';
import { readOrder } from '../../receiving/orders/index.ts';
import { applyPaymentEvents, type PaymentEvent } from '../../receiving/payments/index.ts';
import { readMerchant } from '../../tenancy/merchants/index.ts';
import type { ClaimDeps } from './claim-refund.ts';
import { type Created, createRefund } from './create-refund.ts';
import { createRefundsFollower } from './follow-payments.ts';
import { payByPayouts, refundsListener } from './pay-by-payouts.ts';
import * as store from './store.ts';

const PLACE = { publicUrl: 'http://shop.test', storeName: 'Test store' };

/** An address that is nobody's here. */
export const CUSTOMER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

/** Orders that were paid and can be refunded, on a real database without a node. */
export async function openRefunds() {
  const receiving = await openReceiving();
  let wallets = 100;
  let payments = 0;
  const deps: ClaimDeps = {
    clock: receiving.clock,
    ids: receiving.ids,
    random: (target) => randomFillSync(target),
    network: 'regtest',
    payouts: payByPayouts({ network: 'regtest', listener: refundsListener }),
    readSettings: async (tx, id) => (await readMerchant(tx, id)).settings,
    verifyProof: ({ signature }) => signature === 'right',
  };
  const follower = createRefundsFollower(deps);
  const telling = () => ({ ids: receiving.ids, nowMs: receiving.clock.nowMs(), tipHeight: 100 });

  async function apply(order: Pick<Order, 'id'>, ...events: PaymentEvent[]): Promise<void> {
    const txids = events.flatMap((event) => ('txid' in event ? [event.txid] : []));
    await receiving.database.asSystem(async (tx) => {
      await inTurn([follower], (each) => each.lock(tx, telling(), { txids, atNewTip: true }));
      await applyPaymentEvents(tx, telling(), [{ orderId: order.id, events }]);
      await inTurn([follower], (each) => each.changed(tx, telling(), txids));
      await follower.tip(tx, telling());
    });
  }

  return {
    ...{ receiving, deps, apply },
    async store(): Promise<Uuid> {
      const merchantId = await receiving.addMerchant();
      await receiving.addWallet(merchantId, regtestDescriptor(wallets++));
      return merchantId;
    },
    /** What happens to one payment of an order. */
    payment(amountSats: bigint, atMs = receiving.clock.nowMs()) {
      const txid = (++payments).toString(16).padStart(64, '0');
      const output = { txid, vout: 0 };
      const included = (fork: string): PaymentEvent => ({
        ...{ type: 'included', ...output, paymentId: receiving.ids.next(), amountSats },
        ...{ firstSeenAtMs: atMs, replaces: [], height: 50, coinbase: false },
        blockHash: fork.padStart(64, '0'),
      });
      return {
        confirmed: (fork = 'a'): PaymentEvent[] => [
          included(fork),
          { type: 'confirmed', ...output },
        ],
        returned: { type: 'returned', ...output } satisfies PaymentEvent,
        dropped: { type: 'dropped', ...output } satisfies PaymentEvent,
      };
    },
    expire: (order: Pick<Order, 'id'>) =>
      apply(order, { type: 'expired', atMs: receiving.clock.nowMs() }),
    async refund(order: Order, wish: CreateRefundInput): Promise<Created> {
      const of = { merchantId: order.merchantId, orderId: order.id };
      const input = { of, wish: createRefundSchema.parse(wish), currentRate: null, by: 'key:test' };
      return await receiving.database.asTenant(order.merchantId, (tx) =>
        createRefund(tx, deps, input),
      );
    },
    read: async (refund: { merchantId: Uuid; id: Uuid }) => {
      const found = await receiving.database.asSystem((tx) => store.readRefund(tx, refund));
      if (found === undefined) throw new Error('there is no such refund');
      return found;
    },
    async order({ id, merchantId }: Pick<Order, 'id' | 'merchantId'>): Promise<Order> {
      const own = { id, merchantId };
      const found = await receiving.database.asTenant(merchantId, (tx) =>
        readOrder(tx, own, PLACE),
      );
      if (found === undefined) throw new Error('there is no such order');
      return found;
    },
    /** Posted amounts by account in satoshis, without zeros. */
    async balances(merchantId: Uuid): Promise<Record<string, bigint>> {
      const rows = await receiving.database.asSystem((tx) =>
        readBalances(tx, { bookId: merchantId }),
      );
      return Object.fromEntries(
        rows.filter(({ posted }) => posted !== 0n).map((row) => [row.code, row.posted / 1_000n]),
      );
    },
    /** What may still be promised of an order, by the ledger. */
    async refundable({ id, merchantId }: Pick<Order, 'id' | 'merchantId'>): Promise<bigint> {
      const account = { bookId: merchantId, code: `refundable.${id}` };
      const balance = await receiving.database.asSystem((tx) => readBalanceOf(tx, account));
      return (balance?.available ?? 0n) / 1_000n;
    },
    async events(merchantId: Uuid): Promise<string[]> {
      const rows = await receiving.sql<{ type: string }>(
        'SELECT type FROM event WHERE merchant_id = $1 ORDER BY transaction, seq',
        [merchantId],
      );
      return rows.map(({ type }) => type);
    },
    isSound: async (merchantId: Uuid) =>
      (await receiving.database.asSystem((tx) => verifyJournal(tx, { bookId: merchantId }))).ok,
  };
}

export type TestRefunds = Awaited<ReturnType<typeof openRefunds>>;

export function scriptOf(address: string): Uint8Array {
  const parsed = addressToScript(address, 'regtest');
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.script;
}

export type { Receiving };
