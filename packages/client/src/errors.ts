import type { Problem } from '@quittance/contract';

/** What every failed call throws; each subclass asks for another reaction of yours. */
export class QuittanceError extends Error {
  override name = 'QuittanceError';
  /** The server's answer, when there was one. */
  readonly problem: Problem | undefined;

  constructor(message: string, more: { problem?: Problem | undefined; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.problem = more.problem;
  }

  /** Stable; programs may depend on it. */
  get code(): Problem['code'] | undefined {
    return this.problem?.code;
  }
}

/** The request itself is wrong: mend the program or what was entered; a retry does not help. */
export class InvalidRequestError extends QuittanceError {
  override name = 'InvalidRequestError';
}

/** The API key is missing, wrong, revoked or may not do this: check the configuration. */
export class KeyError extends QuittanceError {
  override name = 'KeyError';
}

/** There is no such thing, or it belongs to somebody else. */
export class NotFoundError extends QuittanceError {
  override name = 'NotFoundError';
}

/** The present state does not allow it: read it again and decide anew. */
export class ConflictError extends QuittanceError {
  override name = 'ConflictError';
}

/**
 * Not now: too many requests, no fresh rate, server or network down. It was tried several times
 * already; try again later, with the same idempotency key where it matters.
 */
export class TemporaryError extends QuittanceError {
  override name = 'TemporaryError';
}

export function toError(problem: Problem): QuittanceError {
  const message = `${problem.detail} (${problem.code}, request ${problem.requestId})`;
  const { status } = problem;
  if (status === 401 || status === 403) return new KeyError(message, { problem });
  if (status === 404) return new NotFoundError(message, { problem });
  if (status === 409) return new ConflictError(message, { problem });
  if (status === 429 || status >= 500) return new TemporaryError(message, { problem });
  return new InvalidRequestError(message, { problem });
}
