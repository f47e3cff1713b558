import type { LightningFailureClass } from '@quittance/contract';

export type LightningNodeErrorCode =
  /** Nobody answers, or not in time. Whether a request was carried out is not known. */
  | 'unreachable'
  /** Macaroon, rune or connection secret is wrong or may not do this. */
  | 'unauthorized'
  /** The node's certificate is not the pinned one. */
  | 'certificate'
  | 'wrong_network'
  /** The backend can not do this; see its capabilities. */
  | 'unsupported'
  /** It answered, and said no. */
  | 'refused'
  /** It answered something that can not be understood. */
  | 'bad_answer';

/** What a Lightning node said or failed to say. The message never holds a secret. */
export class LightningNodeError extends Error {
  override readonly name = 'LightningNodeError';
  readonly code: LightningNodeErrorCode;
  constructor(code: LightningNodeErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** An offer gave no invoice (BOLT 12): nothing was sent, and `failureClass` says why. */
export class OfferRefusal extends LightningNodeError {
  readonly failureClass: LightningFailureClass;
  /** The backend's own code, for the operator. */
  readonly nodeCode: string;
  constructor(
    { failureClass, nodeCode }: { failureClass: LightningFailureClass; nodeCode: string },
    message: string,
    options?: { cause?: unknown },
  ) {
    super('refused', message, options);
    this.failureClass = failureClass;
    this.nodeCode = nodeCode;
  }
}
