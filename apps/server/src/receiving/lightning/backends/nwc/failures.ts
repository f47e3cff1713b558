import type { LightningFailureClass } from '@quittance/contract';

/**
 * NIP-47's error codes, as answers to `pay_invoice`. Each is certain only as far as `isCertain` says:
 * the others may come after the payment has left (an internal error, a timeout within the service).
 */
type Meaning = { readonly failureClass: LightningFailureClass; readonly isCertain: boolean };

const CODES: Readonly<Record<string, Meaning>> = {
  RATE_LIMITED: { failureClass: 'node_unavailable', isCertain: true },
  NOT_IMPLEMENTED: { failureClass: 'node_unavailable', isCertain: true },
  UNSUPPORTED_ENCRYPTION: { failureClass: 'node_unavailable', isCertain: true },
  RESTRICTED: { failureClass: 'node_unavailable', isCertain: true },
  UNAUTHORIZED: { failureClass: 'node_unavailable', isCertain: true },
  INSUFFICIENT_BALANCE: { failureClass: 'insufficient_local_balance', isCertain: true },
  // The budget of the connection, which the wallet's owner has set.
  QUOTA_EXCEEDED: { failureClass: 'amount_out_of_range', isCertain: true },
  // "This may be due to a timeout": so it has to be looked up.
  PAYMENT_FAILED: { failureClass: 'no_route', isCertain: false },
  INTERNAL: { failureClass: 'no_route', isCertain: false },
  OTHER: { failureClass: 'no_route', isCertain: false },
};

/** Words that wallet services pass on from the node behind them. They choose the class, no more. */
const WORDS: readonly (readonly [RegExp, LightningFailureClass])[] = [
  [/already (been )?paid/i, 'already_paid'],
  [/expired/i, 'expired'],
  [
    /insufficient.*(balance|funds)|not enough (balance|funds)|exceeds.*balance/i,
    'insufficient_local_balance',
  ],
  [/fee (limit|budget)|fees? too high|too expensive/i, 'fee_limit'],
  [/no (route|path)|no_route|route not found/i, 'no_route'],
  [/incorrect.*payment.*details|rejected/i, 'recipient_rejected'],
  [/capacity|liquidity|temporary.channel/i, 'insufficient_capacity'],
  [/offline|unknown.next.peer|disconnected/i, 'peer_offline'],
  [/network|prefix|chain/i, 'wrong_network'],
  [/decode|checksum|bech32|invalid invoice/i, 'invalid'],
];

export function meaningOf(code: string, words: string): Meaning {
  const known = CODES[code] ?? { failureClass: 'no_route', isCertain: false };
  if (known.isCertain) return known;
  return { failureClass: classOfWords(words), isCertain: false };
}

export function classOfWords(words: string): LightningFailureClass {
  return WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'no_route';
}
