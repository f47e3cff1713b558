import type { Ids } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { PaymentListener, PaymentOutcome } from '../../receiving/lightning/index.ts';
import { type AlertDeps, raiseAlert } from '../../telling/notifications/index.ts';
import { readAttemptsOfHash, ringAttempts, wakeAttempt } from './attempt-store.ts';
import { wakeWatched } from './watch-store.ts';

/**
 * What nodes tell of payments that ended. An open attempt is only woken: it asks by itself and
 * records the answer in its own order of locks. A success that no attempt explains is money that left
 * the channels without us, or that we took for failed: a person has to look.
 */
export function createPaymentListener(deps: { alerts: AlertDeps }): PaymentListener {
  return {
    async paymentEnded(tx, { nowMs }, { merchantId, event }) {
      const { paymentHash, outcome } = event;
      const attempts = await readAttemptsOfHash(tx, { merchantId, paymentHash });
      const open = attempts.find(({ state }) => state === 'open');
      if (open !== undefined) {
        await wakeAttempt(tx, { merchantId, id: open.id, nowMs });
        await ringAttempts(tx);
        return;
      }
      if (outcome.state !== 'succeeded') return;
      if (attempts.some(({ state }) => state === 'succeeded')) return;
      const watched = attempts.filter(({ watchDueAtMs }) => watchDueAtMs !== null);
      if (watched.length > 0) {
        await wakeWatched(tx, { merchantId, ids: watched.map(({ id }) => id), nowMs });
        await ringAttempts(tx);
        return;
      }
      const reason = attempts.some(({ sends }) => sends > 0)
        ? 'every attempt of a payout with this hash counts as failed, and its money is free again'
        : 'no payout has sent it';
      await alertUnexplained(tx, deps.alerts, { merchantId, paymentHash, outcome, reason });
    },
  };
}

async function alertUnexplained(
  tx: Tx,
  alerts: AlertDeps & { ids: Ids },
  found: {
    merchantId: string;
    paymentHash: string;
    outcome: Extract<PaymentOutcome, { state: 'succeeded' }>;
    reason: string;
  },
): Promise<void> {
  const { merchantId, paymentHash, outcome, reason } = found;
  const amountMsat = (outcome.amountMsat + outcome.feeMsat).toString();
  await raiseAlert(tx, alerts, {
    ...{ merchantId, kind: 'lightning_payment_unexplained', subject: paymentHash },
    severity: 'critical',
    facts: { paymentHash, amountMsat, reason },
  });
}
