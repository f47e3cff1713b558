import { createHash } from 'node:crypto';
import { fromHex, toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { LightningEvent } from './lightning-node.ts';

/**
 * Records what a node has told, before anything is made of it.
 * @returns the events that are new; what a node tells twice is recorded once
 */
export async function recordNodeEvents(
  tx: Tx,
  of: { merchantId: Uuid; lightningNodeId: Uuid; nowMs: number },
  events: readonly LightningEvent[],
): Promise<LightningEvent[]> {
  const byDigest = new Map(events.map((event) => [toHex(digestOf(event)), event]));
  const all = [...byDigest];
  const rows = await tx.query<{ digest: Buffer }>(
    `INSERT INTO lightning_event (merchant_id, lightning_node, digest, type, payment_hash, data,
            recorded_at)
     SELECT $1, $2, digest, type, payment_hash, data::jsonb, $3
       FROM unnest($4::bytea[], $5::text[], $6::bytea[], $7::text[])
         AS n (digest, type, payment_hash, data)
     ON CONFLICT DO NOTHING RETURNING digest`,
    [
      ...[of.merchantId, of.lightningNodeId, new Date(of.nowMs)],
      all.map(([digest]) => fromHex(digest)),
      all.map(([, event]) => event.type),
      all.map(([, event]) => fromHex(event.paymentHash)),
      all.map(([, event]) => textOf(event)),
    ],
  );
  const fresh = new Set(rows.map(({ digest }) => toHex(digest)));
  return all.flatMap(([digest, event]) => (fresh.has(digest) ? [event] : []));
}

/**
 * An invoice is held once and settled once, whatever the node says beside it the second time. A
 * payment may end more than once under one hash: failed first, tried again, then succeeded.
 */
function digestOf(event: LightningEvent): Uint8Array {
  const text =
    event.type === 'payment_ended' ? textOf(event) : `${event.type} ${event.paymentHash}`;
  return createHash('sha256').update(text).digest();
}

function textOf(event: LightningEvent): string {
  return JSON.stringify(event, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}
