import type pg from 'pg';
import type { LightningIntention, PaidOrder } from './lightning-actors.ts';
import type { LightningWorld } from './lightning-world.ts';

export type LightningEvidence = {
  readonly intentions: readonly LightningIntention[];
  readonly orders: readonly PaidOrder[];
  /** What our channels held when the store began. */
  readonly openingMsat: bigint;
};

type PayoutRow = {
  id: string;
  state: string;
  reason: string | null;
  payment_hash: string | null;
  amount_msat: string;
  fee_msat: string;
};

/**
 * Compares payouts, orders and books with what both nodes have on record, with nothing of the
 * product's own code. To be called when nothing is under way.
 * @returns what is wrong, a sentence each
 */
export async function auditLightning(
  client: pg.Client,
  world: Pick<LightningWorld, 'own' | 'peer' | 'shop'>,
  evidence: LightningEvidence,
): Promise<string[]> {
  const faults: string[] = [];
  const { rows } = await client.query<PayoutRow>(
    `SELECT id, state, reason, encode(payment_hash, 'hex') AS payment_hash, amount_msat, fee_msat
       FROM payout ORDER BY id`,
  );
  let paidMsat = 0n;
  for (const intention of evidence.intentions) {
    paidMsat += await checkIntention(world, intention, rows, faults);
  }
  const known = new Set(evidence.intentions.flatMap(({ payoutIds }) => payoutIds));
  for (const { id, state } of rows) {
    if (!known.has(id) && state === 'final') faults.push(`nobody asked for ${id}, and it is paid`);
  }
  const receivedMsat = await checkOrders(client, world, evidence.orders, faults);
  const channelsMsat = (await world.own.node.balances()).channelsMsat;
  const right = evidence.openingMsat + receivedMsat - paidMsat;
  if (channelsMsat !== right) {
    faults.push(`our channels hold ${channelsMsat} msat and should hold ${right}`);
  }
  await checkBooks(client, { merchantId: world.shop.id, channelsMsat }, faults);
  return faults;
}

/** @returns what left our channels for it */
async function checkIntention(
  { own, peer }: Pick<LightningWorld, 'own' | 'peer'>,
  intention: LightningIntention,
  rows: readonly PayoutRow[],
  faults: string[],
): Promise<bigint> {
  const { key, paymentHash, amountMsat, payoutIds, approved, cancelled } = intention;
  const made = rows.filter(({ id }) => payoutIds.includes(id));
  const final = made.filter(({ state }) => state === 'final');
  const who = `${key} (${made.map(({ state, reason }) => `${state} ${reason ?? ''}`).join(', ')})`;
  const invoice = await peer.node.lookupInvoice(paymentHash);
  const isPaid = invoice?.state === 'settled';
  if (made.length < payoutIds.length) faults.push(`${who} was acknowledged and is lost`);
  if (final.length > 1) faults.push(`${who} is paid ${final.length} times in our books`);
  if (isPaid && final.length === 0) faults.push(`${who} is paid, and no payout says so`);
  if (!isPaid && final.length > 0) faults.push(`${who} is final, and the recipient has nothing`);
  if (isPaid && invoice.receivedMsat !== amountMsat) {
    faults.push(`${who}: the recipient got ${invoice.receivedMsat} instead of ${amountMsat}`);
  }
  const open = made.filter(({ state }) => ['approved', 'in_flight', 'unknown'].includes(state));
  if (open.length > 0) faults.push(`${who} is still open`);
  // Whoever was killed for too long, or lost what it was asked, lets the invoice run out.
  const isLate = made.some(({ state, reason }) => state === 'failed' && reason === 'expired');
  const mayFail = cancelled || intention.isSentBack || !approved || isLate;
  if (!isPaid && !mayFail) faults.push(`${who} should be paid`);
  const sent = await own.node.trackPayment(paymentHash);
  if ((sent.state === 'succeeded') !== isPaid) {
    faults.push(
      `${who}: our node says ${sent.state}, the recipient ${invoice?.state ?? 'nothing'}`,
    );
  }
  if (sent.state !== 'succeeded') return 0n;
  const [row] = final;
  if (row !== undefined && BigInt(row.fee_msat) !== sent.feeMsat + sent.amountMsat - amountMsat) {
    faults.push(`${who} is booked with a fee of ${row.fee_msat} instead of ${sent.feeMsat}`);
  }
  return sent.amountMsat + sent.feeMsat;
}

/** @returns what our channels got for orders */
async function checkOrders(
  client: pg.Client,
  { peer }: Pick<LightningWorld, 'peer'>,
  orders: readonly PaidOrder[],
  faults: string[],
): Promise<bigint> {
  const { rows } = await client.query<{ order_id: string; hash: string; amount_sats: string }>(
    `SELECT order_id, encode(payment_hash, 'hex') AS hash, amount_sats FROM payment
      WHERE method = 'lightning'`,
  );
  let receivedMsat = 0n;
  for (const { id, paymentHash, sats } of orders) {
    const sent = await peer.node.trackPayment(paymentHash);
    const booked = rows.filter(({ hash }) => hash === paymentHash);
    if (sent.state === 'in_flight' || sent.state === 'unknown') {
      faults.push(`the payer's node says ${sent.state} of the order ${id}`);
    }
    const wanted = sent.state === 'succeeded' ? 1 : 0;
    if (booked.length !== wanted) {
      faults.push(`the order ${id} has ${booked.length} payments; the payer's node: ${sent.state}`);
    }
    if (sent.state === 'succeeded') receivedMsat += sent.amountMsat;
    const [payment] = booked;
    if (
      payment !== undefined &&
      (payment.order_id !== id || BigInt(payment.amount_sats) !== sats)
    ) {
      faults.push(`the order ${id} has a payment of ${payment.amount_sats} instead of ${sats}`);
    }
  }
  const known = new Set(orders.map(({ paymentHash }) => paymentHash));
  for (const { hash } of rows) {
    if (!known.has(hash)) faults.push(`nobody has made the payment ${hash}`);
  }
  return receivedMsat;
}

async function checkBooks(
  client: pg.Client,
  right: { merchantId: string; channelsMsat: bigint },
  faults: string[],
): Promise<void> {
  const unbalanced = await client.query(
    `SELECT book_id, sequence FROM ledger_entry GROUP BY 1, 2
     HAVING sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) <> 0`,
  );
  if (unbalanced.rowCount !== 0) faults.push(`${unbalanced.rowCount} transfers do not balance`);
  const { rows } = await client.query<{ code: string; net: string; open: string }>(
    `SELECT code, debits_posted - credits_posted AS net, debits_pending - credits_pending AS open
       FROM ledger_account WHERE book_id = $1`,
    [right.merchantId],
  );
  const netOf = (code: string) => BigInt(rows.find((row) => row.code === code)?.net ?? 0);
  if (netOf('lightning.channels') !== right.channelsMsat) {
    const booked = netOf('lightning.channels');
    faults.push(`the book has ${booked} msat in channels and our node ${right.channelsMsat}`);
  }
  if (netOf('payouts.in_transit') !== 0n) {
    faults.push(`${netOf('payouts.in_transit')} msat stay in transit`);
  }
  for (const { code, open } of rows) {
    if (BigInt(open) !== 0n) faults.push(`${open} msat are still pending on ${code}`);
  }
}
