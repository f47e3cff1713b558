import type { OrderReportLine } from '@quittance/contract';

const COLUMNS = [
  'orderId',
  'externalId',
  'createdAt',
  'currency',
  'receivedSats',
  'heldSats',
  'settledSats',
  'refundedSats',
  'paidBackSats',
  'feeSats',
  'netSats',
  'settledAmount',
  'refundedAmount',
  'netAmount',
] as const satisfies readonly (keyof OrderReportLine)[];

const NUMBER = /^-?[0-9]+(\.[0-9]+)?$/;
/** What makes a spreadsheet take a text for a formula. */
const FORMULA = /^[\s]*[=+\-@\t\r|%]/;

/** The first line of the file (RFC 4180). */
export const CSV_HEADER = csvRow([...COLUMNS]);

export function csvLine(line: OrderReportLine): string {
  return csvRow(COLUMNS.map((column) => line[column] ?? ''));
}

/**
 * A row of fields, each quoted. A text that a spreadsheet would run as a formula gets an apostrophe
 * before it: a shop's order number is a customer's to choose in many shops.
 */
export function csvRow(fields: readonly string[]): string {
  const quoted = fields.map((field) => {
    const safe = !NUMBER.test(field) && FORMULA.test(field) ? `'${field}` : field;
    return `"${safe.replaceAll('"', '""')}"`;
  });
  return `${quoted.join(',')}\r\n`;
}
