import { createHash } from 'node:crypto';
import { encodeBolt11, type RouteHop } from '@quittance/bitcoin';
import { fromHex, toHex } from '@quittance/kernel';
import * as ldk from 'lightningdevkit';
import type { NodeContext } from '../context.ts';
import { RequestError } from '../errors.ts';
import { bytes32Of, formatScid, isNull, someU64, u32Of, u64Of, unwrap } from '../ldk/bindings.ts';
import type { Params, WireInvoice } from '../protocol.ts';
import type { InvoiceRecord } from '../state/records.ts';
import { createWaiting } from '../waiting.ts';
import { decideIncoming } from './decide-incoming.ts';

/** Blocks that a payment has at least when it arrives: what LDK asks for. */
const FINAL_CLTV_DELTA = 24;
/** A held payment needs time to be thought about: one day of blocks. */
const HOLD_CLTV_DELTA = 144;
/** Where blocks stand still the same day is counted by the clock. */
const HOLD_MS = 24 * 3_600_000;
/** LDK gives a payment back at its deadline; we do before, so that the record is first. */
const HOLD_MARGIN_BLOCKS = 2;
/** More hints make a QR code that no camera reads. */
const MAX_HINTS = 3;
/** LDK confirms a claim as soon as the state is written. */
const CLAIM_WAIT_MS = 5_000;

export interface Invoices {
  create(request: Params<'create-invoice'>): WireInvoice;
  lookup(paymentHash: string): WireInvoice | null;
  cancel(paymentHash: string): void;
  settle(preimage: string): Promise<void>;
  onClaimable(event: ldk.Event_PaymentClaimable): void;
  onClaimed(event: ldk.Event_PaymentClaimed): void;
  /** Gives back what was held too long; called at blocks and now and then. */
  releaseOverdue(): void;
}

export function createInvoices(context: NodeContext): Invoices {
  const { parts, records, log } = context;
  const settled = createWaiting();

  function release(record: InvoiceRecord): void {
    context.enter(() => parts.channels.fail_htlc_backwards(fromHex(record.paymentHash)));
    records.putInvoice({ ...record, state: 'cancelled', heldUntilHeight: null, heldUntilMs: null });
    context.wake();
  }

  const isOverdue = (record: InvoiceRecord): boolean =>
    context.height() >= (record.heldUntilHeight ?? Number.POSITIVE_INFINITY) ||
    context.nowMs() >= (record.heldUntilMs ?? Number.POSITIVE_INFINITY);

  return {
    create(request) {
      const hold = request.holdPaymentHash ?? null;
      const known = hold === null ? null : records.invoice(hold);
      if (known !== null) {
        if (known.isHold) return viewOf(known);
        throw new RequestError('conflict', 'there is another invoice of this payment hash');
      }
      const record = context.enter(() => newInvoice(context, request));
      records.putInvoice(record);
      return viewOf(record);
    },
    lookup(paymentHash) {
      const record = records.invoice(paymentHash);
      return record === null ? null : viewOf(record);
    },
    cancel(paymentHash) {
      const record = records.invoice(paymentHash);
      if (record === null) throw new RequestError('not_found', 'there is no such invoice');
      if (record.state === 'held') release(record);
      else if (record.state === 'open') records.putInvoice({ ...record, state: 'cancelled' });
    },
    async settle(preimage) {
      const paymentHash = createHash('sha256').update(fromHex(preimage)).digest('hex');
      const record = records.invoice(paymentHash);
      if (record === null) throw new RequestError('not_found', 'no invoice has this preimage');
      if (record.state === 'settled') return;
      if (record.state === 'held' && isOverdue(record)) release(record);
      else if (record.state === 'held') {
        records.putInvoice({ ...record, state: 'claiming', preimage });
        context.enter(() => parts.channels.claim_funds(fromHex(preimage)));
        context.wake();
      }
      const now = records.invoice(paymentHash);
      if (now?.state !== 'claiming') {
        throw new RequestError('conflict', `nothing is held: the invoice is ${now?.state}`);
      }
      await settled.until(paymentHash, CLAIM_WAIT_MS);
    },
    onClaimable(event) {
      const paymentHash = toHex(event.payment_hash);
      const record = records.invoice(paymentHash);
      const isKeysend = event.purpose instanceof ldk.PaymentPurpose_SpontaneousPayment;
      const decision = decideIncoming(
        { kind: isKeysend ? 'keysend' : 'invoice', amountMsat: event.amount_msat },
        { record, settings: records.settings(), nowMs: context.nowMs() },
      );
      if (decision.do === 'ignore') return;
      if (decision.do === 'refuse') {
        log('info', `payment ${paymentHash} is refused: ${decision.why}`);
        parts.channels.fail_htlc_backwards(event.payment_hash);
        return;
      }
      if (decision.do === 'hold') {
        if (record !== null) hold(context, record, event);
        return;
      }
      // Here and now: LDK does not tell of this payment a second time, so claim and state must
      // become durable together.
      const preimage = bytes32Of(event.purpose.preimage());
      if (preimage === null) throw new Error(`no preimage of our own invoice ${paymentHash}`);
      if (record !== null) {
        const receivedMsat = String(event.amount_msat);
        records.putInvoice({
          ...{ ...record, state: 'claiming', receivedMsat, preimage: toHex(preimage) },
        });
      }
      parts.channels.claim_funds(preimage);
    },
    onClaimed(event) {
      const paymentHash = toHex(event.payment_hash);
      const record = records.invoice(paymentHash);
      if (record?.state === 'settled') return;
      const atMs = context.nowMs();
      const preimage = record?.preimage ?? preimageOf(event);
      const receivedMsat = String(event.amount_msat);
      if (record !== null) {
        records.putInvoice({
          ...{ ...record, state: 'settled', receivedMsat, settledAtMs: atMs, preimage },
          ...{ heldUntilHeight: null, heldUntilMs: null },
        });
      }
      records.tell({ type: 'invoice_settled', paymentHash, receivedMsat, preimage, atMs });
      settled.done(paymentHash);
    },
    releaseOverdue() {
      for (const record of records.heldInvoices()) if (isOverdue(record)) release(record);
    },
  };
}

function preimageOf(event: ldk.Event_PaymentClaimed): string | null {
  const preimage = bytes32Of(event.purpose.preimage());
  return preimage === null ? null : toHex(preimage);
}

function hold(
  { records, nowMs, height }: NodeContext,
  record: InvoiceRecord,
  event: ldk.Event_PaymentClaimable,
): void {
  if (record.state === 'held') return;
  const deadline = u32Of(event.claim_deadline) ?? height() + HOLD_CLTV_DELTA;
  const receivedMsat = String(event.amount_msat);
  const atMs = nowMs();
  records.putInvoice({
    ...{ ...record, state: 'held', receivedMsat },
    ...{ heldUntilHeight: deadline - HOLD_MARGIN_BLOCKS, heldUntilMs: atMs + HOLD_MS },
  });
  const { paymentHash } = record;
  records.tell({ type: 'invoice_held', paymentHash, receivedMsat, preimage: null, atMs });
}

/**
 * Writes an invoice by ourselves: LDK's own has the time of the last block, so that a short one may
 * have expired when it is made.
 */
function newInvoice(context: NodeContext, request: Params<'create-invoice'>): InvoiceRecord {
  const { parts, nowMs } = context;
  const { amountMsat, description, expirySeconds } = request;
  const hold = request.holdPaymentHash ?? null;
  const createdAtMs = Math.floor(nowMs() / 1_000) * 1_000;
  const { paymentHash, paymentSecret } = inboundPayment(context, request, createdAtMs);
  const bolt11 = encodeBolt11(
    {
      ...{ network: 'regtest', amountMsat, createdAtMs, paymentHash, paymentSecret, description },
      ...{ expirySeconds },
      minFinalCltvExpiryDelta: hold === null ? FINAL_CLTV_DELTA : HOLD_CLTV_DELTA,
      routeHints: request.withHints ? routeHints(parts.channels) : [],
    },
    parts.keys.get_node_secret_key(),
  );
  return {
    ...{ paymentHash, bolt11, isHold: hold !== null, state: 'open' },
    amountMsat: amountMsat === null ? null : String(amountMsat),
    expiresAtMs: createdAtMs + expirySeconds * 1_000,
    ...{ receivedMsat: '0', settledAtMs: null, preimage: null },
    ...{ heldUntilHeight: null, heldUntilMs: null },
  };
}

function inboundPayment(
  { parts }: NodeContext,
  request: Params<'create-invoice'>,
  createdAtMs: number,
): { paymentHash: string; paymentSecret: string } {
  const { amountMsat, expirySeconds } = request;
  const key = parts.signer.get_inbound_payment_key();
  const seconds = BigInt(createdAtMs / 1_000);
  const noCltv = ldk.Option_u16Z.constructor_none();
  const hold = request.holdPaymentHash ?? null;
  if (hold !== null) {
    const secret = unwrap<Uint8Array>(
      ldk.UtilMethods.constructor_create_from_hash(
        ...([key, someU64(amountMsat), fromHex(hold), expirySeconds, seconds, noCltv] as const),
      ),
      'a secret for a hold invoice',
    );
    return { paymentHash: hold, paymentSecret: toHex(secret) };
  }
  const made = unwrap<ldk.TwoTuple_ThirtyTwoBytesThirtyTwoBytesZ>(
    ldk.UtilMethods.constructor_create(
      ...([key, someU64(amountMsat), expirySeconds, parts.entropy, seconds, noCltv] as const),
    ),
    'a new payment hash',
  );
  return { paymentHash: toHex(made.get_a()), paymentSecret: toHex(made.get_b()) };
}

/** The ways in over channels that no graph has. */
function routeHints(channels: ldk.ChannelManager): RouteHop[][] {
  const hints: RouteHop[][] = [];
  for (const channel of channels.list_channels()) {
    const peer = channel.get_counterparty();
    const forwarding = peer.get_forwarding_info();
    const scid = u64Of(channel.get_inbound_payment_scid());
    const isHidden = channel.get_is_channel_ready() && !channel.get_is_announced();
    if (!isHidden || scid === null || isNull(forwarding)) continue;
    hints.push([
      {
        nodeId: toHex(peer.get_node_id()),
        shortChannelId: formatScid(scid),
        feeBaseMsat: BigInt(forwarding.get_fee_base_msat()),
        feeProportionalMillionths: forwarding.get_fee_proportional_millionths(),
        cltvExpiryDelta: forwarding.get_cltv_expiry_delta(),
      },
    ]);
  }
  return hints.slice(0, MAX_HINTS);
}

function viewOf(record: InvoiceRecord): WireInvoice {
  const { paymentHash, bolt11, amountMsat, expiresAtMs, receivedMsat, settledAtMs } = record;
  return {
    ...{ paymentHash, bolt11, amountMsat, expiresAtMs, receivedMsat, settledAtMs },
    state: record.state === 'claiming' ? 'held' : record.state,
    preimage: record.state === 'settled' ? record.preimage : null,
  };
}
