import { createHash } from 'node:crypto';
import { decodeBolt11 } from '@quittance/bitcoin';
import { fromHex } from '@quittance/kernel';
import * as ldk from 'lightningdevkit';
import type { NodeContext } from '../context.ts';
import { enumName, errorOf, someU64, u64Of, unwrap } from '../ldk/bindings.ts';
import type { FailureCode, Params, WireFailure } from '../protocol.ts';
import { diagnose } from './diagnose.ts';

/** How often LDK tries another route by itself before the caller is told. */
const RETRIES = 5;
/** BOLT4's usual bounds, as LDK has them by default: locked for a week, ten parts, 19 hops. */
const MAX_CLTV_DELTA = 1_008;
const MAX_PARTS = 10;
const MAX_HOPS = 19;
/** LDK does not fill a channel beyond a quarter (2) unless it must; payouts here may (0: whole). */
const SATURATION_HALVINGS = 2;
/** Of a keysend: what LDK's recipients ask for at least, with room for a block or two. */
const KEYSEND_CLTV_DELTA = 42;

type Request = Params<'pay'>;

/** A payment that passed all checks, ready to be given to LDK. */
export type Prepared = {
  readonly kind: 'bolt11' | 'keysend';
  /** Null: it does not expire. */
  readonly expiresAtMs: number | null;
  /** @returns null when it was sent, or why it certainly was not */
  send(): WireFailure | null;
};

export type Refused = { readonly refused: WireFailure };

const refuse = (code: FailureCode, detail: string): Refused => ({
  refused: { code, detail, at: null },
});

/** Checks a payment by our own clock and rules; nothing has left after this. */
export function prepare(context: NodeContext, request: Request): Prepared | Refused {
  const { destination } = request;
  return 'bolt11' in destination
    ? prepareInvoice(context, request, destination.bolt11)
    : prepareKeysend(context, request, destination);
}

function prepareInvoice(
  context: NodeContext,
  request: Request,
  bolt11: string,
): Prepared | Refused {
  const decoded = decodeBolt11(bolt11);
  if (!decoded.ok) {
    const isUnknown = decoded.code === 'unknown_feature';
    return refuse(isUnknown ? 'invoice_unknown_features' : 'invoice_malformed', decoded.reason);
  }
  const { invoice } = decoded;
  if (invoice.network !== 'regtest') {
    return refuse('wrong_network', `the invoice is for ${invoice.network}, this node on regtest`);
  }
  if (invoice.paymentHash !== request.paymentHash) {
    return refuse('hash_mismatch', 'the invoice has another payment hash than was announced');
  }
  if (invoice.amountMsat !== null && invoice.amountMsat !== request.amountMsat) {
    const detail = `the invoice asks for ${invoice.amountMsat} msat, not ${request.amountMsat}`;
    return refuse('amount_mismatch', detail);
  }
  if (request.amountMsat === 0n) return refuse('amount_mismatch', 'nothing is to be sent');
  // LDK pays expired invoices: it has no clock.
  if (context.nowMs() >= invoice.expiresAtMs) {
    return refuse('invoice_expired', 'the invoice has expired');
  }
  if (invoice.payee === context.parts.ownId) {
    return refuse('own_invoice', 'the invoice is our own');
  }
  const parsed = ldk.Bolt11Invoice.constructor_from_str(invoice.bolt11);
  if (!parsed.is_ok()) return refuse('invoice_malformed', 'LDK can not read the invoice');
  const read = unwrap<ldk.Bolt11Invoice>(parsed, 'reading an invoice');
  const onion = ldk.RecipientOnionFields.constructor_secret_only(read.payment_secret());
  const metadata = read.payment_metadata();
  if (metadata instanceof ldk.Option_CVec_u8ZZ_Some) onion.set_payment_metadata(metadata);
  // By hand: LDK's own helper panics on invoices that state their payee (before 0.1.10).
  const payee = ldk.Payee.constructor_clear(
    ...([read.get_payee_pub_key(), read.route_hints(), read.features()] as const),
    Number(read.min_final_cltv_expiry_delta()),
  );
  const payment = paymentParameters(payee, u64Of(read.expires_at()));
  return {
    ...{ kind: 'bolt11', expiresAtMs: invoice.expiresAtMs },
    send: () =>
      attempt(context, { payment, request }, (hash, route, retry) =>
        context.parts.channels.send_payment(hash, onion, hash, route, retry),
      ),
  };
}

function prepareKeysend(
  context: NodeContext,
  request: Request,
  { keysendTo, preimage }: { keysendTo: string; preimage: string },
): Prepared | Refused {
  const hash = createHash('sha256').update(fromHex(preimage)).digest('hex');
  if (hash !== request.paymentHash) {
    return refuse('hash_mismatch', 'the preimage has another payment hash than was announced');
  }
  if (keysendTo === context.parts.ownId) return refuse('own_invoice', 'this node is our own');
  if (request.amountMsat === 0n) return refuse('amount_mismatch', 'nothing is to be sent');
  const payment = ldk.PaymentParameters.constructor_for_keysend(
    ...([fromHex(keysendTo), KEYSEND_CLTV_DELTA, true] as const),
  );
  const secret = ldk.Option_ThirtyTwoBytesZ.constructor_some(fromHex(preimage));
  const onion = ldk.RecipientOnionFields.constructor_spontaneous_empty();
  return {
    ...{ kind: 'keysend', expiresAtMs: null },
    send: () =>
      attempt(context, { payment, request }, (id, route, retry) =>
        context.parts.channels.send_spontaneous_payment(secret, onion, id, route, retry),
      ),
  };
}

function paymentParameters(
  payee: ldk.Payee,
  expiresAtSeconds: bigint | null,
): ldk.PaymentParameters {
  const [noChannels, noPaths] = [new BigUint64Array(0), new BigUint64Array(0)];
  return ldk.PaymentParameters.constructor_new(
    ...([payee, someU64(expiresAtSeconds), MAX_CLTV_DELTA, MAX_PARTS, MAX_HOPS] as const),
    ...([SATURATION_HALVINGS, noChannels, noPaths] as const),
  );
}

/** The payment hash is LDK's payment id: under another id it would pay an invoice again. */
function attempt(
  context: NodeContext,
  { payment, request }: { payment: ldk.PaymentParameters; request: Request },
  send: (
    hash: Uint8Array,
    route: ldk.RouteParameters,
    retry: ldk.Retry,
  ) => ldk.Result_NoneRetryableSendFailureZ | ldk.Result_ThirtyTwoBytesRetryableSendFailureZ,
): WireFailure | null {
  const { amountMsat, maxFeeMsat } = request;
  const limit = someU64(maxFeeMsat);
  const route = ldk.RouteParameters.constructor_new(payment, amountMsat, limit);
  const retry = ldk.Retry.constructor_attempts(RETRIES);
  const sent = send(fromHex(request.paymentHash), route, retry);
  if (sent.is_ok()) return null;
  const reason = errorOf(sent);
  const failures = ldk.RetryableSendFailure;
  switch (reason) {
    case failures.LDKRetryableSendFailure_RouteNotFound:
      return diagnose(context, { payment, amountMsat, maxFeeMsat });
    case failures.LDKRetryableSendFailure_PaymentExpired:
      return { code: 'invoice_expired', detail: 'the invoice has expired', at: null };
    case failures.LDKRetryableSendFailure_DuplicatePayment:
      // Our record and LDK's are written together, so this can not be.
      throw new Error(`LDK knows the payment ${request.paymentHash}, our records do not`);
    default: {
      const name = enumName(failures, Number(reason));
      return { code: 'not_sent', detail: `LDK refuses to send it: ${name}`, at: null };
    }
  }
}
