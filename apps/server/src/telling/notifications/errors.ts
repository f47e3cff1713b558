import { AppError } from '../../platform/errors.ts';

export function noSuchAlert(): AppError {
  return new AppError('not_found', 'There is no alert with this id.');
}

export function alertIsResolved(): AppError {
  return new AppError(
    'conflict',
    'This alert is resolved already: there is nothing to acknowledge.',
  );
}
