import type { RefundView } from '@quittance/contract';
import type { Network } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { findPricedOrder, type StoreFace } from '../../receiving/orders/index.ts';
import * as store from './store.ts';
import { refundView } from './view.ts';

/** What the claim page of a link shows; undefined when the link leads nowhere (any more). */
export async function readRefundView(
  tx: Tx,
  hash: Uint8Array,
  place: {
    network: Network;
    nowMs: number;
    readFace(tx: Tx, merchantId: Uuid): Promise<StoreFace>;
  },
): Promise<{ view: RefundView; merchantId: Uuid } | undefined> {
  const refund = await store.findRefundByClaim(tx, hash);
  if (refund === undefined) return undefined;
  const { merchantId, orderId } = refund;
  const order = await findPricedOrder(tx, { merchantId, id: orderId });
  if (order === undefined) return undefined;
  const face = await place.readFace(tx, merchantId);
  return { merchantId, view: refundView(refund, { ...place, order, face }) };
}
