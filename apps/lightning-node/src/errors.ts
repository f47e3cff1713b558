/** The node can not run as it is set up; the message says what to do. */
export class NodeSetupError extends Error {
  override readonly name = 'NodeSetupError';
}

export type RequestErrorCode =
  /** The request itself is wrong. */
  | 'bad_request'
  /** There is no such invoice, channel or peer. */
  | 'not_found'
  /** It can not be done in the state that things are in. */
  | 'conflict'
  /** The chain's node or its wallet said no. */
  | 'chain'
  /** The chain's node does not answer. */
  | 'chain_unreachable';

/** A request that was refused: nothing was done. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: RequestErrorCode;

  constructor(code: RequestErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
