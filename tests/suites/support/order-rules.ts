import type { TrueOutput } from './chain-truth.ts';

/** An order as it is stored, without the product's own reading of it. */
export type Row = {
  id: string;
  merchant_id: string;
  external_id: string;
  address: string;
  status: string;
  due_sats: string;
  tolerance_below_sats: string;
  tolerance_above_sats: string;
  required_confirmations: number;
  expires_at: Date;
  created_at: Date;
  expired_at: Date | null;
  cancelled_at: Date | null;
  received_sats: string;
  confirmed_sats: string;
  late_sats: string;
};
/** A payment as it is stored; outpoint is "txid:vout". */
export type PaymentRow = {
  order_id: string;
  outpoint: string;
  amount_sats: string;
  state: string;
  late: boolean;
  height: number | null;
  first_seen_at: Date;
  replaced_by: Buffer | null;
};
export function groupBy<K extends string, T extends { [key in K]: string }>(
  rows: readonly T[],
  key: K,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row[key]);
    if (group === undefined) groups.set(row[key], [row]);
    else group.push(row);
  }
  return groups;
}

/** Design §7: confirmations by amount. */
export function confirmationsFor(dueSats: bigint): number {
  if (dueSats < 1_000_000n) return 1;
  return dueSats < 100_000_000n ? 3 : 6;
}

export type Sums = { received: bigint; confirmed: bigint; late: bigint };

/** What counts for an order: late payments apart, confirmed ones as deep as it asks for. */
export function addUp(
  order: Row,
  known: readonly PaymentRow[],
  outputs: readonly TrueOutput[],
): Sums {
  const late = new Set(known.filter((row) => row.late).map(({ outpoint }) => outpoint));
  const sums: Sums = { received: 0n, confirmed: 0n, late: 0n };
  for (const { outpoint, sats, confirmations } of outputs) {
    if (late.has(outpoint)) sums.late += sats;
    else {
      sums.received += sats;
      if (confirmations >= order.required_confirmations) sums.confirmed += sats;
    }
  }
  return sums;
}

/** Design §7, the classic API: what each status means. */
export function statusFor(order: Row, known: readonly PaymentRow[], sums: Sums): string {
  const least = BigInt(order.due_sats) - BigInt(order.tolerance_below_sats);
  const most = BigInt(order.due_sats) + BigInt(order.tolerance_above_sats);
  if (sums.confirmed > most) return 'OVERPAID';
  if (sums.confirmed >= least) return 'CONFIRMED';
  if (sums.received >= least) return 'UNCONFIRMED';
  if (sums.received > 0n) return 'UNDERPAID';
  if (order.cancelled_at !== null) return 'INVALID';
  if (order.expired_at === null) return 'PENDING';
  const withdrawn = known.some(
    ({ late, state }) => !late && (state === 'replaced' || state === 'dropped'),
  );
  return withdrawn ? 'INVALID' : 'EXPIRED';
}
