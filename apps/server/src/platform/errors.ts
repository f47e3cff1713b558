import { type ErrorCode, errorTable } from '@quittance/contract';

/** One wrong field of a request: where it is (JSON pointer) and what to do about it. */
export type FieldError = { pointer: string; detail: string };

/**
 * A mistake or a state that the caller can act on. Thrown, so that the transaction rolls back;
 * the HTTP layer answers it as problem+json (RFC 9457).
 */
export class AppError extends Error {
  override name = 'AppError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;

  /** @param detail a sentence for a person: what is wrong and what to do */
  constructor(
    code: ErrorCode,
    detail: string,
    more: { fields?: readonly FieldError[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.status = errorTable[code].status;
    this.fields = more.fields ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}
