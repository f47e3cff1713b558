import type { LightningAttempt } from '@quittance/contract';
import type { Attempt } from './attempt.ts';
import { failureClasses } from './failure-classes.ts';

/** An attempt as it is answered. */
export function attemptJson(attempt: Attempt): LightningAttempt {
  const { invoice, node } = attempt;
  return {
    id: attempt.id,
    payoutId: attempt.payoutId,
    number: attempt.number,
    state: attempt.state,
    origin: attempt.origin,
    processorId: attempt.processorId,
    nodeId: node?.key ?? null,
    invoice: invoice?.text ?? null,
    paymentHash: invoice?.paymentHash ?? null,
    invoiceExpiresAt: maybeTime(invoice?.expiresAtMs ?? null),
    amountMsat: attempt.amountMsat.toString(),
    maxFeeMsat: attempt.feeLimitMsat.toString(),
    feeMsat: attempt.feeMsat?.toString() ?? null,
    preimage: attempt.preimage,
    sends: attempt.sends,
    lastAnswer: attempt.lastAnswer,
    failure: failureJson(attempt.failure),
    startedAt: new Date(attempt.startedAtMs).toISOString(),
    endedAt: maybeTime(attempt.endedAtMs),
  };
}

function failureJson(failure: Attempt['failure']): LightningAttempt['failure'] {
  if (failure === null) return null;
  const { failureClass, code, detail, at } = failure;
  const { retryable, operator, payer } = failureClasses[failureClass];
  const said = { message: operator, recipientMessage: payer };
  return { failureClass, retryable, code, detail, at, ...said };
}

function maybeTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
