import { LedgerError } from '../../accounting/ledger/index.ts';
import { AppError } from '../../platform/errors.ts';

export function notFound(what: 'order' | 'refund'): AppError {
  return new AppError('not_found', `There is no such ${what}.`);
}

export function cannotBeRefunded(status: string): AppError {
  return new AppError(
    'conflict',
    `The order is ${status}. It can be refunded once it is confirmed, or once its time for ` +
      'paying is over and what arrived is confirmed.',
  );
}

export function invalidAddress(code: string, reason: string): AppError {
  return new AppError('invalid_destination', `The address can not be used: ${reason}.`, {
    fields: [{ pointer: '/address', detail: code }],
  });
}

/**
 * The ledger's refusal to promise more than was received is an answer, not a fault: somebody else
 * was quicker. Any other error stays what it is.
 */
export function asRefundRefusal(error: unknown): unknown {
  if (!(error instanceof LedgerError) || error.code !== 'below_floor') return error;
  const detail = 'The order has not received so much that is not refunded or promised yet.';
  return new AppError('refund_exceeds_received', detail, { cause: error });
}
