import type { LightningFailureClass } from '@quittance/contract';
import type { LightningFailure } from '../../lightning-node.ts';
import { shortChannelIdOf } from '../remote/exact-json.ts';
import type { LndAttempt } from './shapes.ts';

/**
 * LND's reasons for a failed payment (lightning.proto, PaymentFailureReason). Null: the reason does
 * not say it, the failures of the single attempts do.
 */
const REASONS: Readonly<Record<string, LightningFailureClass | null>> = {
  FAILURE_REASON_TIMEOUT: null,
  FAILURE_REASON_NO_ROUTE: null,
  FAILURE_REASON_ERROR: null,
  FAILURE_REASON_INCORRECT_PAYMENT_DETAILS: 'recipient_rejected',
  FAILURE_REASON_INSUFFICIENT_BALANCE: 'insufficient_local_balance',
  // Somebody ended it at the node by hand; nothing is wrong with the payment.
  FAILURE_REASON_CANCELED: 'node_unavailable',
};

/** What a node on the way, or the recipient, answered (BOLT 4, Failure.FailureCode). */
const HTLC_CODES: Readonly<Record<string, LightningFailureClass>> = {
  INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS: 'recipient_rejected',
  INCORRECT_PAYMENT_AMOUNT: 'recipient_rejected',
  FINAL_INCORRECT_CLTV_EXPIRY: 'recipient_rejected',
  FINAL_INCORRECT_HTLC_AMOUNT: 'recipient_rejected',
  FINAL_EXPIRY_TOO_SOON: 'recipient_rejected',
  // The recipient waited for the other parts of a multi-part payment, which found no way.
  MPP_TIMEOUT: 'insufficient_capacity',
  TEMPORARY_CHANNEL_FAILURE: 'insufficient_capacity',
  AMOUNT_BELOW_MINIMUM: 'amount_out_of_range',
  FEE_INSUFFICIENT: 'fee_limit',
  UNKNOWN_NEXT_PEER: 'peer_offline',
  CHANNEL_DISABLED: 'peer_offline',
  TEMPORARY_NODE_FAILURE: 'peer_offline',
  PERMANENT_NODE_FAILURE: 'peer_offline',
  PERMANENT_CHANNEL_FAILURE: 'no_route',
  INCORRECT_CLTV_EXPIRY: 'no_route',
  EXPIRY_TOO_SOON: 'no_route',
  EXPIRY_TOO_FAR: 'no_route',
  REQUIRED_NODE_FEATURE_MISSING: 'no_route',
  REQUIRED_CHANNEL_FEATURE_MISSING: 'no_route',
  // Behind a blinded path every failure looks like this.
  INVALID_ONION_BLINDING: 'no_route',
  INVALID_REALM: 'invalid',
  INVALID_ONION_VERSION: 'invalid',
  INVALID_ONION_HMAC: 'invalid',
  INVALID_ONION_KEY: 'invalid',
  INVALID_ONION_PAYLOAD: 'invalid',
};

/** LND's words when it refuses a payment before anything is sent (router_backend.go). */
const REFUSALS: readonly (readonly [RegExp, LightningFailureClass])[] = [
  [/already paid/i, 'already_paid'],
  [/invoice expired/i, 'expired'],
  [
    /not for current active network|invoice not for|unknown network|network mismatch/i,
    'wrong_network',
  ],
  [/amount must|payment amount .* exceeds|max.*amount|amount.*max/i, 'amount_out_of_range'],
  [/self-payments? not allowed/i, 'invalid'],
  [
    /checksum|bech32|invalid (character|index|length|separator|prefix)|signature|feature|decode|payment request/i,
    'invalid',
  ],
];

/** The class of a refusal that says for certain that nothing was sent; undefined for other words. */
export function classOfRefusal(words: string): LightningFailureClass | undefined {
  return REFUSALS.find(([pattern]) => pattern.test(words))?.[1];
}

/** @param attempts what is known of the payment's attempts, in any order */
export function failureOf(reason: string, attempts: readonly LndAttempt[]): LightningFailure {
  const told = REASONS[reason] ?? null;
  const last = lastFailure(attempts);
  if (last === undefined) {
    return {
      // Nothing was tried: LND found no way at all.
      failureClass: told ?? (reason === 'FAILURE_REASON_ERROR' ? 'invalid' : 'no_route'),
      code: reason,
      detail: 'LND ended the payment without an attempt that tells more',
      at: null,
    };
  }
  const { code } = last.failure;
  const { at, hop } = placeOf(last);
  return {
    failureClass: told ?? classAt(code, hop),
    code: `${reason} ${code}`,
    detail: `${code} at ${hop}`,
    at,
  };
}

/** Where it failed changes what a code means. */
function classAt(code: string, hop: 'own node' | 'hop' | 'recipient'): LightningFailureClass {
  const named = HTLC_CODES[code] ?? 'no_route';
  if (hop === 'own node' && named === 'insufficient_capacity') return 'insufficient_local_balance';
  if (hop === 'recipient' && code.endsWith('_NODE_FAILURE')) return 'recipient_rejected';
  return named;
}

type FailedAttempt = LndAttempt & { failure: NonNullable<LndAttempt['failure']> };

function lastFailure(attempts: readonly LndAttempt[]): FailedAttempt | undefined {
  let last: FailedAttempt | undefined;
  for (const attempt of attempts) {
    const { failure } = attempt;
    if (failure === null || failure === undefined) continue;
    if (last === undefined || attempt.resolve_time_ns >= last.resolve_time_ns) {
      last = { ...attempt, failure };
    }
  }
  return last;
}

/**
 * `failure_source_index` counts the nodes of the route, 0 being our own. What a node could not use
 * is the channel that leaves it.
 */
function placeOf(attempt: FailedAttempt): {
  at: string | null;
  hop: 'own node' | 'hop' | 'recipient';
} {
  const hops = attempt.route?.hops ?? [];
  const index = attempt.failure.failure_source_index;
  const outgoing = hops[index];
  if (outgoing === undefined) return { at: hops.at(-1)?.pub_key ?? null, hop: 'recipient' };
  return { at: shortChannelIdOf(outgoing.chan_id), hop: index === 0 ? 'own node' : 'hop' };
}
