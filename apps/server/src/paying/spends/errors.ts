import { type FeeRate, formatFeeRate } from '@quittance/bitcoin';
import { AppError } from '../../platform/errors.ts';
import type { PlanRefusal } from './plan-transaction.ts';
import type { ChangeInUse } from './replace-version.ts';
import type { SpendState } from './spend.ts';

export function noSuchSpend(): AppError {
  return new AppError('not_found', 'There is no such spend.');
}

export function noSuchWallet(): AppError {
  return new AppError('not_found', 'The store has no wallet with this id.');
}

export function hasEndedAlready(state: SpendState): AppError {
  return new AppError('conflict', `The spend is ${state}; nothing can be changed any more.`);
}

export function isInBlock(): AppError {
  return new AppError('conflict', 'The transaction is in a block; it can not be replaced.');
}

/** A version is being made; what it comes to is not known yet. */
export function isUnderWay(): AppError {
  return new AppError(
    'conflict',
    'A version of this spend waits for its signature or its broadcast. Wait until it is out, or for its signatures.',
  );
}

export function feeNotHigher(feeRate: FeeRate, present: FeeRate): AppError {
  return new AppError(
    'conflict',
    `${formatFeeRate(feeRate)} sat/vB is not more than the ${formatFeeRate(present)} sat/vB that it pays now.`,
  );
}

export function nothingStuck(detail: string): AppError {
  return new AppError('conflict', detail);
}

export function psbtRefused(reason: string): AppError {
  return new AppError('invalid_psbt', `The PSBT can not be used: ${reason}.`);
}

export function noFeeEstimate(detail: string): AppError {
  return new AppError('no_fee_estimate', detail, { retryAfterSeconds: 30 });
}

/** A plan that could not be made, as an answer. */
export function planRefused({ reason, detail }: PlanRefusal | ChangeInUse): AppError {
  const text = `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`;
  switch (reason) {
    case 'insufficient_funds':
      return new AppError('insufficient_balance', text);
    case 'no_fee_estimate':
      return noFeeEstimate(text);
    default:
      return new AppError('conflict', text);
  }
}
