/**
 * Every error that the HTTP interface answers with, in one table: stable code, HTTP status and
 * title (RFC 9457). A code is never renamed; programs depend on it.
 */
export const errorTable = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'An API key is needed' },
  forbidden: { status: 403, title: 'The API key is not allowed to do this' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'This method is not possible here' },
  conflict: { status: 409, title: 'The present state does not allow this' },
  idempotency_in_progress: { status: 409, title: 'The same request is being worked on' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'Send JSON' },
  idempotency_mismatch: { status: 422, title: 'The Idempotency-Key was used for another request' },
  invalid_descriptor: { status: 422, title: 'The descriptor can not be used' },
  descriptor_private_key: { status: 422, title: 'The descriptor holds a private key' },
  descriptor_wrong_network: { status: 422, title: 'The descriptor is for another network' },
  signer_wallet_refused: { status: 422, title: 'The signer does not have this wallet' },
  invalid_amount: { status: 422, title: 'The amount can not be used' },
  unknown_currency: { status: 422, title: 'The currency is not known' },
  amount_too_small: { status: 422, title: 'The amount is too small to be paid on chain' },
  amount_too_large: { status: 422, title: 'The amount is too large' },
  no_wallet: { status: 409, title: 'The store has no receiving wallet yet' },
  address_gap_exceeded: { status: 409, title: 'Too many unpaid addresses in a row' },
  refund_exceeds_received: { status: 409, title: 'The order has not received so much' },
  refund_above_basis: { status: 409, title: 'More would be paid than was received for it' },
  source_risk_not_accepted: { status: 409, title: 'The source may not be the customer’s address' },
  invalid_destination: { status: 422, title: 'The destination can not be paid' },
  insufficient_balance: { status: 409, title: 'The balance does not cover this' },
  payout_limit_exceeded: { status: 409, title: 'A limit for payouts would be exceeded' },
  payout_not_payable: { status: 409, title: 'The payout can not be paid now' },
  invalid_psbt: { status: 422, title: 'The signed transaction can not be used' },
  webhook_url_refused: { status: 422, title: 'The webhook address can not be used' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong here' },
  rate_unavailable: { status: 503, title: 'No fresh exchange rate' },
  no_fee_estimate: { status: 503, title: 'No estimate of the network’s fee' },
  overloaded: { status: 503, title: 'Too much is being asked for at once' },
  addresses_not_ready: { status: 503, title: 'New addresses are being derived' },
  database_unavailable: { status: 503, title: 'The database can not be reached' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorTable;
