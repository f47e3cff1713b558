export type Bolt11ErrorCode =
  /** No invoice at all, or it is cut short. */
  | 'not_an_invoice'
  /** A typing mistake: the checksum does not fit. */
  | 'checksum'
  /** An invoice, but not for Bitcoin. */
  | 'unknown_chain'
  | 'amount'
  /** The amount is not a whole number of millisatoshis. */
  | 'amount_precision'
  /** A field is not what BOLT 11 says. */
  | 'malformed'
  | 'missing_field'
  | 'duplicate_field'
  /** The payer would have to do what is not known here. */
  | 'unknown_feature'
  | 'signature';

/** Carries a refusal from the depths of the parser to its front door, which makes it a value. */
export class Bolt11Refusal extends Error {
  readonly code: Bolt11ErrorCode;

  constructor(code: Bolt11ErrorCode, reason: string) {
    super(reason);
    this.code = code;
  }
}
