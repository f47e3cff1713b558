export {
  COMPLIANCE_FROZEN,
  COMPLIANCE_HELD,
  CUSTOMER_EXCESS,
  LIGHTNING_CHANNELS,
  MERCHANT_AVAILABLE,
  ONCHAIN_WALLET,
  PAYOUTS_IN_TRANSIT,
  RECEIPTS_UNAPPLIED,
  REFUNDABLE_TOTAL,
  refundableOf,
} from './accounts.ts';
export { LEDGER_ERRORS, LedgerError, type LedgerErrorCode } from './errors.ts';
export { MAX_BATCH, postTransfers } from './post-transfers.ts';
export { complianceFrozen } from './templates/compliance-frozen.ts';
export { complianceHeld } from './templates/compliance-held.ts';
export { complianceReleased } from './templates/compliance-released.ts';
export { complianceUnfrozen } from './templates/compliance-unfrozen.ts';
export { lightningFeeReleased } from './templates/lightning-fee-released.ts';
export { lightningFeeReserved } from './templates/lightning-fee-reserved.ts';
export { type LightningLateArgs, lightningLate } from './templates/lightning-late.ts';
export { lightningSent } from './templates/lightning-sent.ts';
export { type LightningAdjustedArgs, lightningAdjusted } from './templates/lightning-adjusted.ts';
export {
  type LightningDepositedArgs,
  lightningDeposited,
} from './templates/lightning-deposited.ts';
export { type LightningReceivedArgs, lightningReceived } from './templates/lightning-received.ts';
export { orderSettled, type SettlementArgs } from './templates/order-settled.ts';
export { orderUnsettled } from './templates/order-unsettled.ts';
export { paymentConfirmed } from './templates/payment-confirmed.ts';
export { paymentDropped } from './templates/payment-dropped.ts';
export { paymentReorged } from './templates/payment-reorged.ts';
export { type PaymentArgs, paymentSeen } from './templates/payment-seen.ts';
export { type DrawArgs, refundDrawn } from './templates/refund-drawn.ts';
export { refundReleased } from './templates/refund-released.ts';
export { type RefundArgs, refundReserved } from './templates/refund-reserved.ts';
export { refundReversed } from './templates/refund-reversed.ts';
export { refundSent } from './templates/refund-sent.ts';
export { refundUndrawn } from './templates/refund-undrawn.ts';
export { type CapArgs, refundableCredited } from './templates/refundable-credited.ts';
export { refundableTakenBack } from './templates/refundable-taken-back.ts';
export { type SpendBookingArgs, spendBroadcast } from './templates/spend-broadcast.ts';
export { spendReversed } from './templates/spend-reversed.ts';
export { walletDepositConfirmed } from './templates/wallet-deposit-confirmed.ts';
export { walletDepositGone } from './templates/wallet-deposit-gone.ts';
export { walletDepositReversed } from './templates/wallet-deposit-reversed.ts';
export { type MovementArgs, walletDepositSeen } from './templates/wallet-deposit-seen.ts';
export { walletWithdrawal } from './templates/wallet-withdrawal.ts';
export { walletWithdrawalReversed } from './templates/wallet-withdrawal-reversed.ts';
export { payoutReleased } from './templates/payout-released.ts';
export { type PayoutArgs, payoutReserved } from './templates/payout-reserved.ts';
export { payoutReversed } from './templates/payout-reversed.ts';
export { payoutSent } from './templates/payout-sent.ts';
export {
  type AccountDefinition,
  type AccountKind,
  type Direction,
  type Leg,
  type Phase,
  type RecordedTransfer,
  type Transfer,
  transferId,
} from './transfer.ts';
export {
  type Balance,
  listTransfers,
  MAX_PAGE,
  readAccounts,
  readBalanceOf,
  readBalances,
  readTransfer,
} from './reads.ts';
export type { Break, BreakReason } from './replay.ts';
export { verifyAllBooks } from './verify-all-books.ts';
export { type Anchor, type Verification, verifyJournal } from './verify-journal.ts';
export { addLedgerRoutes } from './routes.ts';
