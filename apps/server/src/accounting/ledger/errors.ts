/**
 * Why the ledger refused a batch, in the order in which one transfer is checked: the first that
 * applies is reported, and nothing of the batch is recorded.
 */
export const LEDGER_ERRORS = [
  'batch_too_large',
  'invalid_transfer',
  'book_forbidden',
  'too_few_legs',
  'invalid_leg',
  'unbalanced',
  'transfer_mismatch',
  'pending_not_found',
  'pending_not_pending',
  'pending_already_posted',
  'pending_already_voided',
  'pending_mismatch',
  'account_mismatch',
  'overflow',
  'below_floor',
] as const;

export type LedgerErrorCode = (typeof LEDGER_ERRORS)[number];

/** Thrown when the ledger refuses; the surrounding transaction can only be rolled back. */
export class LedgerError extends Error {
  override name = 'LedgerError';
  readonly code: LedgerErrorCode;
  /** The transfer that was refused, when one can be named. */
  readonly transferId: string | undefined;

  constructor(code: LedgerErrorCode, detail: string, more: { transferId?: string } = {}) {
    super(`${code}: ${detail}`);
    this.code = code;
    this.transferId = more.transferId;
  }
}

/** SQLSTATE of every refusal that ledger_post raises itself; its message is the code. */
const REFUSED = 'QL001';
/** numeric_value_out_of_range: a counter would leave 64 bits (PostgreSQL, appendix A). */
const OUT_OF_RANGE = '22003';

/** Turns what PostgreSQL raised into a LedgerError; anything that is not ours stays as it is. */
export function asLedgerError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, detail, hint } = error as Error & { code?: string; detail?: string; hint?: string };
  if (code === OUT_OF_RANGE) return new LedgerError('overflow', 'an account would leave 64 bits');
  if (code !== REFUSED) return error;
  const known = LEDGER_ERRORS.find((candidate) => candidate === error.message);
  if (known === undefined) return error;
  return new LedgerError(known, detail ?? '', hint ? { transferId: hint } : {});
}
