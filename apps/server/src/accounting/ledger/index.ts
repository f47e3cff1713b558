export {
  LIGHTNING_CHANNELS,
  MERCHANT_AVAILABLE,
  ONCHAIN_WALLET,
  PAYOUTS_IN_TRANSIT,
} from './accounts.ts';
export { LedgerError } from './errors.ts';
export { MAX_BATCH, postTransfers } from './post-transfers.ts';
export { complianceFrozen } from './templates/compliance-frozen.ts';
export { complianceHeld } from './templates/compliance-held.ts';
export { complianceReleased } from './templates/compliance-released.ts';
export { complianceUnfrozen } from './templates/compliance-unfrozen.ts';
export { lightningFeeReleased } from './templates/lightning-fee-released.ts';
export { lightningFeeReserved } from './templates/lightning-fee-reserved.ts';
export { lightningLate } from './templates/lightning-late.ts';
export { lightningSent } from './templates/lightning-sent.ts';
export { lightningAdjusted } from './templates/lightning-adjusted.ts';
export { lightningDeposited } from './templates/lightning-deposited.ts';
export { lightningReceived } from './templates/lightning-received.ts';
export { orderSettled } from './templates/order-settled.ts';
export { orderUnsettled } from './templates/order-unsettled.ts';
export { paymentConfirmed } from './templates/payment-confirmed.ts';
export { paymentDropped } from './templates/payment-dropped.ts';
export { paymentReorged } from './templates/payment-reorged.ts';
export { paymentSeen } from './templates/payment-seen.ts';
export { refundDrawn } from './templates/refund-drawn.ts';
export { refundReleased } from './templates/refund-released.ts';
export { type RefundArgs, refundReserved } from './templates/refund-reserved.ts';
export { refundReversed } from './templates/refund-reversed.ts';
export { refundSent } from './templates/refund-sent.ts';
export { refundUndrawn } from './templates/refund-undrawn.ts';
export { refundableCredited } from './templates/refundable-credited.ts';
export { refundableTakenBack } from './templates/refundable-taken-back.ts';
export { type SpendBookingArgs, spendBroadcast } from './templates/spend-broadcast.ts';
export { spendReversed } from './templates/spend-reversed.ts';
export { walletDepositConfirmed } from './templates/wallet-deposit-confirmed.ts';
export { walletDepositGone } from './templates/wallet-deposit-gone.ts';
export { walletDepositReversed } from './templates/wallet-deposit-reversed.ts';
export { walletDepositSeen } from './templates/wallet-deposit-seen.ts';
export { walletWithdrawal } from './templates/wallet-withdrawal.ts';
export { walletWithdrawalReversed } from './templates/wallet-withdrawal-reversed.ts';
export { payoutReleased } from './templates/payout-released.ts';
export { payoutReserved } from './templates/payout-reserved.ts';
export { payoutReversed } from './templates/payout-reversed.ts';
export { payoutSent } from './templates/payout-sent.ts';
export {
  type AccountDefinition,
  type Direction,
  type Leg,
  type Phase,
  type Transfer,
  transferId,
} from './transfer.ts';
export {
  type Balance,
  listTransfers,
  readAccounts,
  readBalanceOf,
  readBalances,
  readTransfer,
} from './reads.ts';
export type { Break, BreakReason } from './replay.ts';
export { verifyAllBooks } from './verify-all-books.ts';
export { type Anchor, type Verification, verifyJournal } from './verify-journal.ts';
export { addLedgerRoutes } from './routes.ts';
