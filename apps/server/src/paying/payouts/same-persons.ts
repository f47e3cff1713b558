import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { samePersonAs } from '../../tenancy/keys/index.ts';
import type { Payout } from './payout.ts';

/**
 * Who of those who made or approved payouts counts as the same person as the one who approves now:
 * keys that come from one another, and for a refund also whoever made the link that it was claimed
 * with, for that is who could name the address (it reads refund, which paying/refunds owns).
 */
export async function readSamePersons(
  tx: Tx,
  { by, payouts }: { by: string; payouts: readonly Payout[] },
): Promise<(payout: Payout) => ReadonlySet<string>> {
  const linkMakers = await readLinkMakers(tx, payouts);
  const others = payouts.flatMap((each) => [
    each.createdBy,
    ...each.approvals.map((approval) => approval.by),
    ...(linkMakers.get(each.id) ?? []),
  ]);
  const same = await samePersonAs(tx, by, others);
  return (payout) => {
    const makers = linkMakers.get(payout.id) ?? [];
    return makers.some((maker) => same.has(maker)) ? new Set([...same, payout.createdBy]) : same;
  };
}

async function readLinkMakers(tx: Tx, payouts: readonly Payout[]): Promise<Map<Uuid, string[]>> {
  const refundIds = payouts.flatMap(({ refundId }) => refundId ?? []);
  if (refundIds.length === 0) return new Map();
  const rows = await tx.query<{ id: Uuid; link_made_by: string }>(
    'SELECT id, link_made_by FROM refund WHERE id = ANY($1::uuid[]) AND link_made_by IS NOT NULL',
    [refundIds],
  );
  const byRefund = new Map(rows.map((row) => [row.id, [row.link_made_by]]));
  return new Map(
    payouts.map(({ id, refundId }) => [id, byRefund.get(refundId ?? '') ?? []] as const),
  );
}
