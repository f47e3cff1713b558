import type { FilingError } from '@quittance/contract';
import { SaxesParser } from 'saxes';
import type { AuthorityAnswer } from './filing.ts';

export type ReadAcknowledgement =
  | { readonly ok: true; readonly answers: readonly AuthorityAnswer[] }
  | { readonly ok: false; readonly reason: string };

const MAX_ERRORS = 1_000;
const MAX_DEPTH = 50;
const FIELDS: Readonly<Record<string, 'code' | 'level' | 'place' | 'text' | 'element'>> = {
  ErrorTypeCode: 'code',
  ErrorLevelText: 'level',
  ErrorContextText: 'place',
  ErrorElementNameText: 'element',
  ErrorText: 'text',
};

/**
 * Reads FinCEN's acknowledgement of a batch: for each report its BSA ID and what is wrong with it.
 * Reports stand in the order in which they were filed. A status other than "A" (accepted), and an
 * error that is fatal, mean that it was not taken.
 */
export function readAcknowledgement(xml: string): ReadAcknowledgement {
  // Documents of FinCEN have no DTD; entities are how a small file becomes a large one.
  if (/<!DOCTYPE/i.test(xml)) return { ok: false, reason: 'a document type is not expected here' };
  const reading = { path: [] as string[], text: '', status: '', isKnown: false };
  const answers: AuthorityAnswer[] = [];
  let bsaId = '';
  let errors: FilingError[] = [];
  let error: Record<string, string> = {};
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => {
    reading.path.push(local(name));
    if (reading.path.length > MAX_DEPTH) throw new Error('it is nested too deeply');
    reading.text = '';
    switch (local(name)) {
      case 'EFilingSubmissionXML':
        reading.isKnown = true;
        reading.status = attributes['StatusCode'] ?? '';
        break;
      case 'EFilingActivityXML':
        bsaId = '';
        errors = [];
        break;
      case 'EFilingActivityErrorXML':
        error = {};
        break;
    }
  });
  parser.on('text', (text) => {
    reading.text += text;
  });
  parser.on('closetag', ({ name }) => {
    const text = reading.text.trim();
    const field = FIELDS[local(name)];
    if (field !== undefined) error[field] = text;
    if (local(name) === 'BSAID') bsaId = text;
    // FinCEN writes an empty element for "no error".
    if (local(name) === 'EFilingActivityErrorXML' && Object.keys(error).length > 0) {
      if (errors.length < MAX_ERRORS) errors.push(errorOf(error));
    }
    if (local(name) === 'EFilingActivityXML') answers.push(answerOf(reading.status, bsaId, errors));
    reading.text = '';
    reading.path.pop();
  });
  try {
    parser.write(xml).close();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return { ok: false, reason: `it can not be read: ${reason.slice(0, 200)}` };
  }
  if (!reading.isKnown || answers.length === 0) {
    return { ok: false, reason: 'it has no report in it: is it an acknowledgement of FinCEN?' };
  }
  return { ok: true, answers };
}

function answerOf(status: string, bsaId: string, errors: FilingError[]): AuthorityAnswer {
  const isFatal = errors.some(({ level }) => level === 'error');
  const accepted = status === 'A' && !isFatal && /^[0-9]{14}$/.test(bsaId);
  return { accepted, authorityId: bsaId === '' ? null : bsaId.slice(0, 200), errors };
}

function errorOf(error: Record<string, string>): FilingError {
  return {
    code: clean(error['code'], 50),
    level: /^warn/i.test(error['level'] ?? '') ? 'warning' : 'error',
    place: clean(error['place'] ?? error['element'], 4_000),
    text: clean(error['text'], 1_000),
  };
}

function clean(text: string | undefined, max: number): string {
  return (text ?? '')
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, max)
    .toWellFormed();
}

function local(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
