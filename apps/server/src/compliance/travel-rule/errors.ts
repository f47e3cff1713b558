import { AppError } from '../../platform/errors.ts';
import type { TravelRefusal } from './transfer.ts';
import type { IvmsFinding } from './verify-ivms101.ts';

export function noSuchTransfer(): AppError {
  return new AppError('not_found', 'There is no such exchange.');
}

export function wrongMessage(findings: readonly IvmsFinding[]): AppError {
  return new AppError('invalid_request', 'The message does not follow IVMS101.', {
    fields: findings.map(({ pointer, detail }) => ({ pointer, detail })),
  });
}

export function refusalError(refusal: TravelRefusal): AppError {
  switch (refusal) {
    case 'ended':
      return new AppError('conflict', 'This exchange has ended.');
    case 'not_now':
      return new AppError('conflict', 'The exchange is not at this step.');
    case 'other_address':
      return new AppError('conflict', 'That is another address than the payout has.');
  }
}
