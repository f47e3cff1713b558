import type { RefundView } from '@quittance/contract';
import type { RefundMessages } from './strings/index.ts';

/** What can be wrong with a claim, by field; the codes are also the names of the sentences. */
export type ClaimProblem =
  | {
      field: 'address';
      code: 'empty' | 'wrong_network' | 'not_an_address' | 'unknown_type' | 'own_address';
    }
  | { field: 'proof'; code: 'proof_missing' | 'proof_wrong' };

/** Where the person is, while an address is asked for. */
export type ClaimStep =
  | { name: 'form'; address: string; proof: string; problem: ClaimProblem | null }
  /** The address is right: it is shown once more, with the button that sends. */
  | { name: 'check'; address: string; proof: string }
  /** It was right, but can not be taken now. */
  | { name: 'unavailable'; address: string; proof: string };

export const emptyForm: ClaimStep = { name: 'form', address: '', proof: '', problem: null };

export interface RefundModel {
  view: RefundView;
  step: ClaimStep;
  locale: string;
  messages: RefundMessages;
  /** This page: `/refund/{secret}`. */
  path: string;
}

/** What the script needs to know; the JSON that the page carries. */
export interface RefundPageData {
  /** Where the refund's state can be read; null: nothing is expected to change. */
  stateUrl: string | null;
  screen: string;
  txid: string | null;
  copied: string;
  sending: string;
}

export const REFUND_DATA_ID = 'quittance-refund';
