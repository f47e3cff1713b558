import { AppError } from '../../platform/errors.ts';
import type { FilingRefusal } from './filing.ts';
import type { Finding } from './findings.ts';

/** Fields that one answer names: more are told when these are done. */
const MAX_FIELDS = 100;

export function noSuchFiling(): AppError {
  return new AppError('not_found', 'There is no such filing.');
}

/** What is missing or does not fit, each with its place in the facts. */
export function incomplete(findings: readonly Finding[]): AppError {
  return new AppError(
    'filing_incomplete',
    `The report can not be made yet: ${findings.length} things are missing or do not fit.`,
    { fields: findings.slice(0, MAX_FIELDS).map(({ pointer, detail }) => ({ pointer, detail })) },
  );
}

/** The authority's own schema refuses it. */
export function invalidDocument(errors: readonly Finding[]): AppError {
  return new AppError('filing_invalid', "The document does not fit the authority's schema.", {
    fields: errors.map(({ pointer, detail }) => ({ pointer, detail })),
  });
}

export function refusalError(refusal: FilingRefusal): AppError {
  switch (refusal) {
    case 'submitted_already':
      return new AppError('conflict', 'It was submitted. File a correction instead.');
    case 'ended':
      return new AppError('conflict', 'This filing has ended.');
    case 'not_prepared':
      return new AppError('conflict', 'Prepare the document first.');
    case 'other_document':
      return new AppError('conflict', 'The document is another one by now. Read that one first.');
    case 'unvalidated':
      return new AppError(
        'conflict',
        'Nobody has checked this document against a schema. Configure filings.schemaFolder and ' +
          'prepare it again, or approve it with acceptUnvalidated.',
      );
    case 'own_work':
      return new AppError('forbidden', 'Another person than those who wrote it has to approve it.');
    case 'not_approved':
      return new AppError('conflict', 'A second person has to approve it first.');
    case 'not_submitted':
      return new AppError('conflict', 'It was not submitted, so nobody has answered.');
    case 'other_kind':
      return new AppError('conflict', 'The kind of a filing does not change.');
  }
}
