import { assert, unreachable } from '@quittance/kernel';
import { AppError, type FieldError } from '../../platform/errors.ts';
import type { TermsProblem } from './terms.ts';
import type { PayoutRejection, PayoutStep } from './transition.ts';

export function noSuchPayout(): AppError {
  return new AppError('not_found', 'There is no such payout.');
}

/** The first problem names the error; all of them are told with their fields. */
export function termsRefused(problems: readonly TermsProblem[]): AppError {
  const [first] = problems;
  assert(first !== undefined, 'terms are refused for a reason');
  const fields: FieldError[] = problems.map(({ field, message }) => ({
    pointer: `/${field}`,
    detail: message,
  }));
  return new AppError(first.code, first.message, { fields });
}

/** @throws {AppError} conflict, forbidden when the step was rejected */
export function demand(step: PayoutStep): Extract<PayoutStep, { ok: true }> {
  if (step.ok) return step;
  const code = step.rejection === 'creator_may_not_approve' ? 'forbidden' : 'conflict';
  throw new AppError(code, sentenceOf(step.rejection));
}

function sentenceOf(rejection: PayoutRejection): string {
  switch (rejection) {
    case 'not_awaiting_approval':
      return 'The payout does not wait for approval any more.';
    case 'creator_may_not_approve':
      return "The store's policy does not let the key that made a payout approve it.";
    case 'not_cancellable':
      return 'The payout is being paid or has ended; it can not be cancelled any more.';
    case 'not_approved':
      return 'The payout is not approved and waiting to be paid.';
    case 'invoice_expired':
      return 'The invoice that it pays has ended. Ask the recipient for a new one.';
    case 'other_spend':
    case 'other_attempt':
    case 'ended':
      return 'The payout has ended or is paid by another transaction.';
    default:
      return unreachable(rejection);
  }
}
