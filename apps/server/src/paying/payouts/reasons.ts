import type { LightningFailureClass, PayoutMethod, PayoutReason } from '@quittance/contract';
import { failureClasses } from '../lightning/index.ts';

export type ReasonFacts = {
  /** It is tried again by itself: nothing about the payout has to change. */
  readonly retryable: boolean;
  /** For the merchant: what it is and what to do. */
  readonly message: string;
  /** What the recipient may be told: nothing of the merchant's affairs. */
  readonly recipientMessage: string;
};

const LATER = 'Your payment is delayed; it will be sent as soon as possible.';
const NOT_SENT = 'The payment could not be sent to this address. Please ask the sender.';

const NOT_PAID = 'The payment could not be made in time. Please ask the sender.';

function reasonOf(name: LightningFailureClass): ReasonFacts {
  const { retryable, operator, payer } = failureClasses[name];
  return { retryable, message: operator, recipientMessage: payer };
}

const lightningNodeUnavailable = reasonOf('node_unavailable');
/** What paying/lightning says of its failures; the node's silence has a name already. */
const lightningReasons = {
  expired: reasonOf('expired'),
  no_route: reasonOf('no_route'),
  insufficient_local_balance: reasonOf('insufficient_local_balance'),
  insufficient_capacity: reasonOf('insufficient_capacity'),
  fee_limit: reasonOf('fee_limit'),
  peer_offline: reasonOf('peer_offline'),
  recipient_rejected: reasonOf('recipient_rejected'),
  amount_out_of_range: reasonOf('amount_out_of_range'),
  wrong_network: reasonOf('wrong_network'),
  invalid: reasonOf('invalid'),
  already_paid: reasonOf('already_paid'),
  timeout_unknown: reasonOf('timeout_unknown'),
  not_resolved: reasonOf('not_resolved'),
};

/** Every reason why a payout waits or has failed: the one place that classifies them. */
export const payoutReasonTable: Readonly<Record<PayoutReason, ReasonFacts>> = {
  insufficient_funds: {
    retryable: true,
    message: 'The wallet has too few spendable coins. Send it some, or wait for confirmations.',
    recipientMessage: LATER,
  },
  fee_above_limit: {
    retryable: true,
    message: 'The network fee is above what the fee policy allows. It is tried again later.',
    recipientMessage: LATER,
  },
  fee_share_above_limit: {
    retryable: true,
    message: "The fee would take more of the amount than the payout's limit allows.",
    recipientMessage: LATER,
  },
  output_below_dust: {
    retryable: false,
    message: 'After its share of the fee the output would be dust, which the network drops.',
    recipientMessage: 'The amount is too small to be sent over the network.',
  },
  too_many_outputs: {
    retryable: true,
    message: 'The transaction would be too large. It is paid with fewer others.',
    recipientMessage: LATER,
  },
  no_fee_estimate: {
    retryable: true,
    message: 'The node can not say what a transaction costs now. It is tried again.',
    recipientMessage: LATER,
  },
  signer_unavailable: {
    retryable: true,
    message: 'The signer does not answer. Start and unlock it.',
    recipientMessage: LATER,
  },
  signer_refused: {
    retryable: false,
    message: "The signer's own policy refuses it. Its audit log says why.",
    recipientMessage: NOT_SENT,
  },
  awaiting_signature: {
    retryable: true,
    message: 'It has to be signed outside: export the PSBT, sign it, import it.',
    recipientMessage: LATER,
  },
  node_unavailable: {
    retryable: true,
    message: 'The Bitcoin node does not answer. It is tried again.',
    recipientMessage: LATER,
  },
  broadcast_refused: {
    retryable: true,
    message: 'The node refuses the transaction. A new one is made.',
    recipientMessage: LATER,
  },
  fee_too_low: {
    retryable: true,
    message: 'The fee is below what the network takes now. A new transaction pays more.',
    recipientMessage: LATER,
  },
  coin_gone: {
    retryable: true,
    message: 'A coin of the transaction was spent elsewhere. A new one is made once that is safe.',
    recipientMessage: LATER,
  },
  conflict_not_final: {
    retryable: true,
    message: 'Another transaction took its coins; it waits until that can not be undone.',
    recipientMessage: LATER,
  },
  cancelled: {
    retryable: false,
    message: 'A person took its transaction back before it was mined.',
    recipientMessage: NOT_SENT,
  },
  limit_per_payout: {
    retryable: true,
    message: "The amount is above the processor's limit for one payout. Pay it by hand.",
    recipientMessage: LATER,
  },
  limit_per_day: {
    retryable: true,
    message: "The processor's limit for 24 hours is used up. It goes on by itself.",
    recipientMessage: LATER,
  },
  destination_not_allowed: {
    retryable: true,
    message: "The processor's rules do not allow this destination. Pay it by hand or change them.",
    recipientMessage: LATER,
  },
  destination_held: {
    retryable: true,
    message:
      'A check before payment holds it; it goes on by itself once that is over. Those who may see ' +
      'compliance see what is asked for.',
    recipientMessage: LATER,
  },
  transaction_failed: {
    retryable: true,
    message: 'Its transaction was given up before it was sent. A new one is made.',
    recipientMessage: LATER,
  },
  transaction_reversed: {
    retryable: true,
    message: 'Its transaction was made impossible by another. The amount came back.',
    recipientMessage: LATER,
  },
  too_many_attempts: {
    retryable: false,
    message:
      'It was tried as often as the retry policy allows. Find the cause, then make a new one.',
    recipientMessage: NOT_SENT,
  },
  time_over: {
    retryable: false,
    message: 'The time that its strategy has for it is over. Nothing was paid.',
    recipientMessage: NOT_PAID,
  },
  unlikely: {
    retryable: false,
    message: 'Past attempts leave it next to no chance, so its strategy gave up. Nothing was paid.',
    recipientMessage: NOT_PAID,
  },
  ...lightningReasons,
};

/** What a reason means for a payout of this kind. */
export function factsOfReason(reason: PayoutReason, method: PayoutMethod): ReasonFacts {
  if (reason === 'node_unavailable' && method === 'lightning') return lightningNodeUnavailable;
  return payoutReasonTable[reason];
}
