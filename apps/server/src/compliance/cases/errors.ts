import { AppError } from '../../platform/errors.ts';
import type { CaseRefusal } from './case.ts';

export function noSuchCase(): AppError {
  return new AppError('not_found', 'There is no such case.');
}

/** What a refused change tells the person who tried it. */
export function refusalError(refusal: CaseRefusal): AppError {
  switch (refusal) {
    case 'no_such_case':
      return noSuchCase();
    case 'closed':
      return new AppError('conflict', 'The case is closed. Reopen it first.');
    case 'not_reported':
      return new AppError(
        'conflict',
        'The report is not made yet. What becomes of the money is decided once it is submitted.',
      );
    case 'not_closed':
      return new AppError('conflict', 'The case is not closed.');
    case 'no_proposal':
      return new AppError('conflict', 'No decision is proposed.');
    case 'other_proposal':
      return new AppError('conflict', 'Another decision is proposed by now. Look at it first.');
    case 'already_proposed':
      return new AppError('conflict', 'A decision is proposed already. Reject it first.');
    case 'own_proposal':
      return ownProposal();
    case 'already_reported':
      return new AppError('conflict', 'The report of this case was noted already.');
    case 'already_opened':
      return new AppError('conflict', 'The case is there already.');
  }
}

export function ownProposal(): AppError {
  return new AppError(
    'forbidden',
    'Another person than the one who proposed it has to approve it.',
  );
}
