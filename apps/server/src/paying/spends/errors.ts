import { type FeeRate, formatFeeRate, type ReadBbqr } from '@quittance/bitcoin';
import { MAX_PSBT_BYTES } from '@quittance/contract';
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

/** @param reason why nothing may leave the wallet */
export function payoutsHeld(reason: string): AppError {
  return new AppError('payouts_held', `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`);
}

export function psbtRefused(reason: string): AppError {
  return new AppError('invalid_psbt', `The PSBT can not be used: ${reason}.`);
}

export function psbtTooLarge(): AppError {
  return new AppError('payload_too_large', `A PSBT may have ${MAX_PSBT_BYTES} bytes.`);
}

export function qrPartsRefused(
  code: Exclude<ReadBbqr, { ok: true }>['code'],
  reason: string,
): AppError {
  if (code === 'too_large') return psbtTooLarge();
  const sentence = `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`;
  return new AppError(code === 'missing' ? 'qr_parts_missing' : 'invalid_qr_parts', sentence);
}

export function tooLargeForQr(most: number): AppError {
  const detail = `The PSBT needs more than ${most} codes: ask for a higher density, or take the file.`;
  return new AppError('conflict', detail);
}

export function tooManyToDraw(codes: number, most: number): AppError {
  const detail = `The PSBT needs ${codes} codes and ${most} are drawn: ask for a higher density, draw the parts yourself, or take the file.`;
  return new AppError('conflict', detail);
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
