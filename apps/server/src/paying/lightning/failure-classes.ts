import type { LightningFailureClass } from '@quittance/contract';

export type FailureClassFacts = {
  /** Trying the same payout again later can succeed, without anybody changing it. */
  readonly retryable: boolean;
  /** What the recipient, or a card's holder, may be told: nothing of the payer's affairs. */
  readonly payer: string;
  /** For whoever runs the store: what it is and what to do. */
  readonly operator: string;
  /** Label of `quittance_lightning_attempts_total`. */
  readonly metric: string;
};

const LATER = 'Your payment is delayed; it is tried again.';

/**
 * Why a Lightning payment did not succeed, and what follows from it: the one table. Backends map
 * their codes to these classes; docs/lightning.md shows the same table, and a test compares them.
 */
export const failureClasses: Readonly<Record<LightningFailureClass, FailureClassFacts>> = {
  expired: {
    retryable: false,
    payer: 'The invoice has expired before it could be paid. Please make a new one.',
    operator: 'The destination invoice expired. Ask the recipient for a new one.',
    metric: 'expired',
  },
  no_route: {
    retryable: true,
    payer: LATER,
    operator:
      'No path to the recipient is known. A recipient behind private channels has to put hints into ' +
      'the invoice; otherwise open a channel to a better connected peer.',
    metric: 'no_route',
  },
  insufficient_local_balance: {
    retryable: true,
    payer: LATER,
    operator:
      'Your own channels can not send so much now. Open a channel, or move liquidity to your side.',
    metric: 'insufficient_local_balance',
  },
  insufficient_capacity: {
    retryable: true,
    payer: LATER,
    operator:
      'A channel further on could not forward so much. Liquidity moves; smaller amounts often pass.',
    metric: 'insufficient_capacity',
  },
  fee_limit: {
    retryable: true,
    payer: LATER,
    operator: 'The routes that exist cost more than the fee limit. Raise it, or wait.',
    metric: 'fee_limit',
  },
  peer_offline: {
    retryable: true,
    payer: LATER,
    operator:
      'A peer that the payment needs does not answer. See whether your own peers are online.',
    metric: 'peer_offline',
  },
  recipient_rejected: {
    retryable: false,
    payer: 'The payment arrived and was refused. Please make a new invoice.',
    operator:
      'The payment reached the recipient, who refused it: the invoice was cancelled or paid, or is ' +
      'not known there. Ask for a new one.',
    metric: 'recipient_rejected',
  },
  amount_out_of_range: {
    retryable: false,
    payer: 'This amount can not be paid to this destination.',
    operator: 'The amount is below or above what the destination, or a channel, takes.',
    metric: 'amount_out_of_range',
  },
  wrong_network: {
    retryable: false,
    payer: 'The invoice is for another network.',
    operator: 'The invoice is of another chain than your node.',
    metric: 'wrong_network',
  },
  invalid: {
    retryable: false,
    payer: 'The invoice can not be read. Please make a new one.',
    operator: 'The invoice can not be read, is signed wrongly, or asks for what is not known here.',
    metric: 'invalid',
  },
  already_paid: {
    retryable: false,
    payer: 'This invoice was paid before.',
    operator:
      'The node knows a payment with this hash that is not this payout’s: somebody pays, or has ' +
      'paid, the invoice with the same node. Nothing was sent for this payout.',
    metric: 'already_paid',
  },
  timeout_unknown: {
    retryable: true,
    payer: 'Your payment is on its way; its outcome is not known yet.',
    operator:
      'Nobody can say now whether it arrived. It is asked about until it is known; the money is held ' +
      'till then. Do not pay it in another way.',
    metric: 'timeout_unknown',
  },
  node_unavailable: {
    retryable: true,
    payer: LATER,
    operator: 'Your Lightning node does not answer, or is not ready. Nothing was given to it.',
    metric: 'node_unavailable',
  },
  not_resolved: {
    retryable: true,
    payer: 'Your Lightning address gave no invoice that could be paid; it is tried again.',
    operator:
      'The Lightning address or LNURL gave no usable invoice; the attempt says what was wrong.',
    metric: 'not_resolved',
  },
};
