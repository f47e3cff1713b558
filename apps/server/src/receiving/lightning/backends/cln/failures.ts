import type { LightningFailureClass } from '@quittance/contract';
import { z } from 'zod';
import type { LightningFailure } from '../../lightning-node.ts';
import type { ClnRefusal } from './rpc.ts';

/**
 * Codes of `pay` and `xpay` (common/jsonrpc_errors.h, lightning-pay(7), lightning-xpay(7)). Null: the
 * code stands for several causes, and only the words tell them apart.
 */
const CODES: Readonly<Record<number, LightningFailureClass | null>> = {
  '-1': null,
  '-32602': 'invalid',
  '-32601': 'node_unavailable',
  // The hash is used for another amount or recipient.
  201: 'already_paid',
  202: 'no_route',
  203: 'recipient_rejected',
  204: null,
  205: null,
  206: 'fee_limit',
  207: 'expired',
  209: null,
  // The time for trying is over.
  210: null,
  212: 'invalid',
  // Somebody has to approve it at the signing device.
  213: 'node_unavailable',
  219: 'already_paid',
};
/** `pay` is at it already. */
export const IN_PROGRESS = 200;

const WORDS: readonly (readonly [RegExp, LightningFailureClass])[] = [
  [/already (been )?paid/i, 'already_paid'],
  [/expired/i, 'expired'],
  [/excessive (cost|fee)|too expensive|fee.*(exceed|too high|budget)|maxfee/i, 'fee_limit'],
  [
    /insufficient (funds|balance)|not enough (funds|balance|outgoing)|spendable/i,
    'insufficient_local_balance',
  ],
  [/no (connection|route|path)|could ?n.t find|unreachable/i, 'no_route'],
  [
    /incorrect_or_unknown|unknown.*payment.details|rejected|destination said/i,
    'recipient_rejected',
  ],
  [/temporary_channel_failure|capacity|liquidity/i, 'insufficient_capacity'],
  [/unknown_next_peer|disconnected|offline|not connected|channel_disabled/i, 'peer_offline'],
  [/network|chain|prefix/i, 'wrong_network'],
  [/amount/i, 'amount_out_of_range'],
  [/invalid|bad bech32|unparsable|could not parse|feature/i, 'invalid'],
];

/** Names of BOLT 4's failures, as `data.failcodename` has them. */
const FAILCODES: Readonly<Record<string, LightningFailureClass>> = {
  WIRE_TEMPORARY_CHANNEL_FAILURE: 'insufficient_capacity',
  WIRE_UNKNOWN_NEXT_PEER: 'peer_offline',
  WIRE_CHANNEL_DISABLED: 'peer_offline',
  WIRE_TEMPORARY_NODE_FAILURE: 'peer_offline',
  WIRE_PERMANENT_NODE_FAILURE: 'peer_offline',
  WIRE_FEE_INSUFFICIENT: 'fee_limit',
  WIRE_AMOUNT_BELOW_MINIMUM: 'amount_out_of_range',
  WIRE_INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS: 'recipient_rejected',
  WIRE_FINAL_INCORRECT_CLTV_EXPIRY: 'recipient_rejected',
  WIRE_FINAL_INCORRECT_HTLC_AMOUNT: 'recipient_rejected',
  WIRE_MPP_TIMEOUT: 'insufficient_capacity',
};

const detailsShape = z.object({
  failcodename: z.string().nullish(),
  erring_channel: z.string().nullish(),
  erring_node: z.string().nullish(),
});

/** The failure that an error of `pay` or `xpay` stands for. Whether it is final is another question. */
export function failureOf(refusal: ClnRefusal): LightningFailure {
  const parsed = detailsShape.safeParse(refusal.data);
  const details = parsed.success ? parsed.data : {};
  const named = CODES[refusal.rpcCode] ?? null;
  const byFailcode = FAILCODES[details.failcodename ?? ''];
  const byWords = WORDS.find(([pattern]) => pattern.test(refusal.message))?.[1] ?? 'no_route';
  // That no path is left is what came of it; why is told before, when an attempt had got somewhere.
  const told = lastTold(refusal.message);
  const byTold = byWords === 'no_route' ? told?.failureClass : undefined;
  return {
    failureClass: named ?? byFailcode ?? byTold ?? byWords,
    code: [refusal.rpcCode, details.failcodename].filter(Boolean).join(' '),
    detail: refusal.message,
    at: details.erring_channel ?? details.erring_node ?? told?.at ?? null,
  };
}

/**
 * `xpay` tells the onion's errors in words: "We got temporary_channel_failure for 1x2x3/0", or "for the
 * invoice's route hint (1x2x3/0)". The last one counts.
 */
function lastTold(
  message: string,
): { failureClass: LightningFailureClass | undefined; at: string | null } | undefined {
  const told = [...message.matchAll(/We got ([a-z_]+) for ([^,]*)/g)].at(-1);
  if (told === undefined) return undefined;
  const [, name = '', where = ''] = told;
  const at = /(\d+x\d+x\d+)\/[01]/.exec(where)?.[1] ?? null;
  return { failureClass: FAILCODES[`WIRE_${name.toUpperCase()}`], at };
}
