import type { ErrorCode } from '@quittance/contract';
import { AppError } from '../../platform/errors.ts';
import { createPayout, type NewPayout, type PayoutDeps, requestPayment } from '../payouts/index.ts';
import type { DrawPayout, DrawPayouts } from './ports.ts';
import { type WithdrawRefusal, WithdrawRefused } from './refusals.ts';

/** The holder of a card stands at a till and has no screen. */
const CARD_BUDGET_SECONDS = 20;
/** Who draws with a wallet looks at it, for a while. */
const LINK_BUDGET_SECONDS = 60;

/** Draws are paid by paying/payouts, which tells of them by `createDrawsListener`. */
export function payDrawsByPayouts(deps: PayoutDeps): DrawPayouts {
  return {
    async create(tx, telling, payout) {
      try {
        await createPayout(tx, deps, telling, { ...newPayout(payout), ...termsOf(payout) });
        // Somebody waits for it: it is paid now, whatever processors there are.
        const own = { merchantId: payout.draw.merchantId, id: payout.id };
        const by = payout.draw.cardId === null ? payout.by : `card:${payout.draw.cardId}`;
        await requestPayment(tx, deps, telling, { own, by, terms: undefined });
      } catch (error) {
        throw refusalOf(error);
      }
    },
  };
}

function newPayout({ id, draw, by, description }: DrawPayout): NewPayout {
  const { merchantId, cardId, pullPaymentId } = draw;
  return {
    ...{ id, merchantId, createdBy: by, description },
    source: cardId === null ? 'pull_payment' : 'card',
    // The approvals of its pull payment are its own.
    approvalsNeeded: 0,
    metadata: { drawId: draw.id, pullPaymentId, ...(cardId === null ? {} : { cardId }) },
  };
}

/** Fast-fail: within its budget it is paid, or the money is free again (ADR 0014). */
function termsOf({ draw, invoice }: DrawPayout) {
  const budgetSeconds = draw.cardId === null ? LINK_BUDGET_SECONDS : CARD_BUDGET_SECONDS;
  const strategy = { kind: 'fast_fail', budgetSeconds } as const;
  return { destination: invoice.bolt11, lightning: { strategy }, quote: null };
}

/** What the holder may know: the store's balance and limits are its own business. */
const REFUSALS: Partial<Record<ErrorCode, WithdrawRefusal>> = {
  invoice_taken: 'invoice_used',
  invalid_destination: 'invoice_expired',
  insufficient_balance: 'unavailable',
  payout_limit_exceeded: 'unavailable',
};

function refusalOf(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const refusal = REFUSALS[error.code];
  return refusal === undefined ? error : new WithdrawRefused(refusal, error.message);
}
