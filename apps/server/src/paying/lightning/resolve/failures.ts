import type { LightningFailureClass } from '@quittance/contract';
import type { OutboundFailureCode } from '../../../platform/outbound/index.ts';

export type ResolveFailureCode =
  | OutboundFailureCode
  | 'not_a_destination'
  | 'not_resolvable'
  | 'server_error'
  | 'unknown_user'
  | 'bad_answer'
  | 'service_refused'
  | 'not_for_paying'
  | 'payer_data_required'
  | 'unknown_success_action'
  | 'amount_out_of_range'
  | 'amount_differs'
  | 'unreadable_invoice'
  | 'other_amount'
  | 'other_description'
  | 'wrong_network'
  | 'invoice_expired'
  | 'fresh_invoice_expired';

/** Why a destination gives no invoice that can be paid. Nothing has been sent. */
export type ResolveFailure = {
  readonly failureClass: LightningFailureClass;
  readonly code: ResolveFailureCode;
  /** For the operator: what happened. May quote the service, without control characters. */
  readonly sentence: string;
  /** For the payer or the claimant: what to do. Never quotes anybody. */
  readonly payerSentence: string;
  /** Whether the same destination may well give an invoice later. */
  readonly retryable: boolean;
  /** The host that was asked, where one was. */
  readonly domain: string | null;
};

type Row = {
  readonly failureClass: LightningFailureClass;
  readonly retryable: boolean;
  readonly payer: string;
};

const later = 'The service behind this Lightning address does not answer now. It is tried again.';
const ask =
  'The service behind this Lightning address does not work as it should. Use another one.';
const check = 'This destination can not be used. Check it, or use another one.';
const anew = 'The invoice has expired, or is about to. Make a new one.';
const down = { failureClass: 'not_resolved', retryable: true, payer: later } as const;
const broken = { failureClass: 'not_resolved', retryable: false, payer: ask } as const;
const wrong = { failureClass: 'invalid', retryable: false, payer: check } as const;

/** One row for each way to fail: the class that the payout gets, and who may do what about it. */
export const failureTable: Readonly<Record<ResolveFailureCode, Row>> = {
  unreachable: down,
  timeout: down,
  name_unknown: down,
  tls: down,
  server_error: down,
  // "Unknown user" and "come back later" look alike: the reason is free text (LUD-06).
  service_refused: { ...down, payer: 'The service behind this Lightning address refused.' },
  address_refused: broken,
  too_large: broken,
  too_many_redirects: broken,
  bad_answer: broken,
  unknown_success_action: broken,
  other_amount: broken,
  other_description: broken,
  unknown_user: { ...broken, payer: 'Nobody has this Lightning address. Check how it is written.' },
  not_for_paying: { ...broken, payer: 'This LNURL does not take payments. Use another one.' },
  payer_data_required: {
    ...broken,
    payer: 'The service behind this Lightning address wants to know the payer. Use another one.',
  },
  not_a_destination: wrong,
  not_resolvable: wrong,
  unreadable_invoice: wrong,
  amount_out_of_range: {
    failureClass: 'amount_out_of_range',
    retryable: false,
    payer: 'The service behind this Lightning address does not take this amount.',
  },
  amount_differs: {
    failureClass: 'amount_out_of_range',
    retryable: false,
    payer: 'The invoice is for another amount. Make one for the right amount.',
  },
  wrong_network: {
    failureClass: 'wrong_network',
    retryable: false,
    payer: 'The invoice is for another Bitcoin network.',
  },
  invoice_expired: { failureClass: 'expired', retryable: false, payer: anew },
  fresh_invoice_expired: { failureClass: 'expired', retryable: true, payer: later },
};

/** Makes the failure of a code. `sentence` is for the operator. */
export function failureOf(
  code: ResolveFailureCode,
  sentence: string,
  domain: string | null,
): { readonly ok: false; readonly failure: ResolveFailure } {
  const { failureClass, retryable, payer } = failureTable[code];
  return {
    ok: false,
    failure: { failureClass, code, sentence, payerSentence: payer, retryable, domain },
  };
}

export type Failed = ReturnType<typeof failureOf>;
