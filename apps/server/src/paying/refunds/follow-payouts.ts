import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { readTipHeight } from '../../receiving/orders/index.ts';
import type { Telling } from '../../receiving/payments/index.ts';
import { faultPoint } from './fault-points.ts';
import { advanceRefund, type PayoutNews } from './refund.ts';
import * as store from './store.ts';
import type { Origin } from './tell.ts';
import { lockRefunds, writeChanges } from './write-changes.ts';

/** What paying/payouts tells of a payout, in the transaction that made it so. */
export type RefundPayoutChange = PayoutNews & {
  merchantId: Uuid;
  refundId: Uuid | null;
  origin: Origin | null;
};

/** Takes a refund where its payout is; payouts of nobody's refund are passed over. */
export async function refundPayoutChanged(
  tx: Tx,
  telling: Omit<Telling, 'tipHeight'>,
  change: RefundPayoutChange,
): Promise<void> {
  const { merchantId, refundId } = change;
  if (refundId === null) return;
  const found = await store.readRefund(tx, { merchantId, id: refundId });
  if (found === undefined) return;
  // The payout is locked, so nobody else moves its refund on: most news can be passed over before
  // anything is locked, such as that a payout has become final.
  const event = { type: 'payout', ...change } as const;
  if (advanceRefund(found, event, telling.nowMs) === null) return;
  const locked = await lockRefunds(tx, found);
  const refund = await store.readRefund(tx, found);
  if (locked === undefined || refund === undefined) return;
  const moved = advanceRefund(refund, event, telling.nowMs);
  if (moved === null) return;
  const full = { ...telling, tipHeight: await readTipHeight(tx) };
  await writeChanges(tx, full, { ...locked, changes: [moved], origin: change.origin });
  faultPoint('refund-news-written');
}
