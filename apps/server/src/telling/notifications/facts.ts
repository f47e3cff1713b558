import type { AlertKind } from '@quittance/contract';

/**
 * What the texts of each kind are filled with: plain texts, amounts as digits. They stand in the
 * alert's `data` under these names.
 */
export const factNames = {
  payout_stuck: ['payoutId', 'state', 'minutes'],
  payout_failing: ['processor', 'failures', 'reason'],
  fee_above_policy: ['feeRateSatPerVb', 'maxFeeRateSatPerVb'],
  hot_wallet_low: ['balanceSats', 'thresholdSats'],
  reconciliation_break: ['ledgerSats', 'chainSats', 'differenceSats'],
  signer_unavailable: ['reason'],
  node_unavailable: ['reason'],
  lightning_balance_break: ['alias', 'bookMsat', 'nodeMsat', 'differenceMsat'],
  lightning_node_unavailable: ['reason', 'alias', 'minutes'],
  lightning_payment_unexplained: ['paymentHash', 'amountMsat', 'reason'],
  lightning_late_payment: ['payoutId', 'paymentHash', 'amountMsat'],
  lightning_outbound_low: ['sendableSats', 'thresholdSats'],
  lightning_payments_failing: ['failed', 'attempts', 'reason'],
  payouts_held: ['reason'],
  risk_screening_stuck: ['payments', 'reason'],
  screening_list_stale: ['list', 'hours', 'maxHours'],
} as const satisfies Record<AlertKind, readonly string[]>;

export type Facts<Kind extends AlertKind> = Readonly<
  Record<(typeof factNames)[Kind][number], string>
>;

/** A message of another program may be a page long. */
const MAX_FACT_LENGTH = 500;

/** One line that any reader and PostgreSQL can hold: control characters and lone surrogates go. */
export function cleanFact(text: string): string {
  const plain = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim();
  return [...plain].slice(0, MAX_FACT_LENGTH).join('');
}
