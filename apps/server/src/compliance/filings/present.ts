import type { FilingJson } from '@quittance/contract';
import { isoTime } from '@quittance/kernel';
import { dueOf } from './deadline.ts';
import type { Filing } from './filing.ts';

export function filingJson(filing: Filing, nowMs: number): FilingJson {
  const { merchantId: _, document, dueAtMs, approvedAtMs, submittedAtMs, ...more } = filing;
  const { answeredAtMs, createdAtMs, updatedAtMs, ...same } = more;
  return {
    ...same,
    authors: [...same.authors],
    errors: [...same.errors],
    dueAt: timeOrNull(dueAtMs),
    due: dueOf(filing, nowMs),
    document:
      document === null
        ? null
        : {
            sha256: document.sha256,
            bytes: Buffer.byteLength(document.xml),
            validation: document.validation,
            validationDetail: document.validationDetail,
            total: document.summary.total,
          },
    approvedAt: timeOrNull(approvedAtMs),
    submittedAt: timeOrNull(submittedAtMs),
    answeredAt: timeOrNull(answeredAtMs),
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
  };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
