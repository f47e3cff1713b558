/** What a refusal is about; tells a caller whether waiting, asking a person or nothing helps. */
export type RefusalClass =
  /** The request is not well formed: a bug of the caller. */
  | 'malformed'
  /** An input is not the wallet's, or is not what the request says it is. */
  | 'input'
  /** An output is neither approved nor our change. */
  | 'output'
  /** Approvals are missing, false, too old, or for something else. */
  | 'approval'
  /** The policy forbids it. */
  | 'policy'
  /** It would pay for the second time. */
  | 'twice'
  /** The signer cannot work: disk, log. */
  | 'unavailable';

/** Every refusal has one of these stable codes; nothing is signed when there is one. */
export const refusalClasses = {
  request_malformed: 'malformed',
  request_too_large: 'malformed',
  unknown_method: 'malformed',
  too_many_requests: 'malformed',
  unknown_wallet: 'malformed',
  psbt_malformed: 'malformed',
  psbt_already_final: 'malformed',
  transaction_version: 'malformed',
  locktime_too_far: 'malformed',
  payouts_not_fitting_kind: 'malformed',
  duplicate_payout: 'malformed',
  request_id_reused: 'malformed',

  input_duplicate: 'input',
  input_path_missing: 'input',
  input_not_ours: 'input',
  previous_transaction_missing: 'input',
  previous_transaction_wrong: 'input',
  input_amount_wrong: 'input',
  sighash_forbidden: 'input',
  input_script_wrong: 'input',
  foreign_signature_wrong: 'input',

  output_unknown: 'output',
  change_not_ours: 'output',
  change_index_too_far: 'output',
  payout_missing: 'output',
  fee_share_too_high: 'output',

  approval_missing: 'approval',
  approval_unknown_approver: 'approval',
  approval_duplicate: 'approval',
  approval_expired: 'approval',
  approval_lifetime: 'approval',
  approval_invalid: 'approval',
  approval_over_approver_limit: 'approval',

  destination_forbidden: 'policy',
  destination_type: 'policy',
  payout_too_large: 'policy',
  fee_negative: 'policy',
  fee_too_high: 'policy',
  fee_rate_too_high: 'policy',
  fee_share_of_amount_too_high: 'policy',
  too_many_inputs: 'policy',
  too_many_outputs: 'policy',
  window_amount: 'policy',
  window_count: 'policy',

  payout_already_signed: 'twice',
  payout_changed: 'twice',
  nothing_to_cancel: 'twice',

  log_unavailable: 'unavailable',
  clock_went_back: 'unavailable',
} as const satisfies Record<string, RefusalClass>;

export type RefusalCode = keyof typeof refusalClasses;

export function isRefusalCode(text: string): text is RefusalCode {
  return Object.hasOwn(refusalClasses, text);
}

/** Thrown by a check; the reason is for people and never holds anything secret. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, reason: string) {
    super(reason);
    this.code = code;
  }
}
