import type { Uuid } from '@quittance/kernel';
import { AppError } from '../../platform/errors.ts';
import { readTipHeight } from '../../receiving/orders/index.ts';
import { applyPaymentEvents, type PaymentEvent } from '../../receiving/payments/index.ts';
import type { CaseDecision, CaseListener } from '../cases/index.ts';
import { lockPaymentToScreen } from './queue-store.ts';

/**
 * Does what a decided case says to the payment that it is about, in the transaction that closes it. The
 * payment counts, goes back or is frozen; the ledger follows. A report alone leaves it held: what is
 * reported is not thereby anybody's, and is decided in the same case afterwards.
 */
export const riskCaseListener: CaseListener = {
  async lock(tx, { merchantId, subject }) {
    if (subject.type !== 'payment') return;
    await lockPaymentToScreen(tx, { merchantId, paymentId: subject.id as Uuid });
  },
  async caseDecided(tx, { ids, nowMs }, { merchantId, subject, outcome }) {
    if (subject.type !== 'payment') return;
    // Cases write ids of payments as they are given them: by this module and by monitoring.
    const paymentId = subject.id as Uuid;
    const payment = await lockPaymentToScreen(tx, { merchantId, paymentId });
    if (payment === undefined) return;
    const type = eventOf(outcome);
    if (type === null) return;
    // A case that comes to nothing lifts no freeze: that takes a release that says so.
    const releasable = outcome === 'dismiss' ? ['held'] : ['held', 'frozen'];
    // What nothing stands against, such as money that counted long ago, has nothing to be released of.
    if (type === 'hold_released' && !releasable.includes(payment.hold)) return;
    const telling = { ids, nowMs, tipHeight: await readTipHeight(tx) };
    const events = [{ type, paymentId }] as const;
    const changed = await applyPaymentEvents(tx, telling, [{ orderId: payment.orderId, events }]);
    if (changed.length === 0) throw notPossible(outcome);
  },
};

type Outcome = CaseDecision['outcome'];

function eventOf(outcome: Outcome): Extract<PaymentEvent['type'], `hold_${string}`> | null {
  switch (outcome) {
    case 'release':
    case 'dismiss':
      return 'hold_released';
    case 'refund':
      return 'hold_returned';
    case 'freeze':
      return 'hold_frozen';
    default:
      return null;
  }
}

function notPossible(outcome: Outcome): AppError {
  const why =
    outcome === 'refund'
      ? 'Only money that is held can be given back; what is frozen has to be released first.'
      : 'Only money that is held can be frozen: this payment counts, or was given back.';
  return new AppError('conflict', why);
}
