import { BitcoinRpcError } from '../../platform/bitcoin-node/index.ts';
import type { RefusalVerdict } from './transition.ts';

/** What became of an attempt to give a transaction to the node. */
export type NodeAnswer =
  /** It has it: in its mempool or in a block, since now or before. */
  | { type: 'has-it' }
  /** It has looked at it and said no. */
  | { type: 'refused'; verdict: RefusalVerdict; detail: string }
  /** It could not be asked, and certainly has not got it from us. */
  | { type: 'not-asked'; detail: string }
  /** Nobody knows whether it has it. */
  | { type: 'unknown'; detail: string };

/**
 * What the words of a refusal mean (Bitcoin Core src/validation.cpp, src/policy/, src/rpc/): one
 * table for testmempoolaccept's `reject-reason` and for the message of sendrawtransaction. The
 * first that is found in the text applies. What no line knows is taken for `later`: a spend never
 * ends because of words that nobody has understood.
 */
const REFUSALS: readonly (readonly [text: string, meaning: RefusalVerdict | 'has-it'])[] = [
  ['txn-already-in-mempool', 'has-it'],
  ['txn-already-known', 'has-it'],
  // The same transaction with another valid witness: its txid is ours.
  ['txn-same-nonwitness-data-in-mempool', 'has-it'],
  ['already in block chain', 'has-it'],
  ['outputs already in utxo set', 'has-it'],

  ['min relay fee not met', 'fee_too_low'],
  ['mempool min fee not met', 'fee_too_low'],
  ['insufficient fee', 'fee_too_low'],
  // It was the worst of a full mempool and left it at once.
  ['mempool full', 'fee_too_low'],

  ['bad-txns-inputs-missingorspent', 'inputs_gone'],
  ['missing-inputs', 'inputs_gone'],
  ['txn-mempool-conflict', 'inputs_gone'],
  ['bad-txns-spends-conflicting-tx', 'inputs_gone'],

  ['non-final', 'later'],
  ['non-BIP68-final', 'later'],
  ['premature-spend-of-coinbase', 'later'],
  ['too-long-mempool-chain', 'later'],
  ['package-mempool-limits', 'later'],

  // Of a replacement: this one will not be taken, the one before stays.
  ['too many potential replacements', 'never'],
  ['replacement-adds-unconfirmed', 'never'],
  ['dust', 'never'],
  ['scriptpubkey', 'never'],
  ['scriptsig', 'never'],
  ['script-verify-flag-failed', 'never'],
  ['bare-multisig', 'never'],
  ['multi-op-return', 'never'],
  ['datacarrier', 'never'],
  ['tx-size', 'never'],
  ['version', 'never'],
  ['coinbase', 'never'],
  ['max-fee-exceeded', 'never'],
  ['bad-witness-nonstandard', 'never'],
  ['bad-txns-', 'never'],
  ['TX decode failed', 'never'],
];

/** Classifies the node's words. */
export function classifyRefusal(detail: string): NodeAnswer {
  const known = REFUSALS.find(([text]) => detail.includes(text));
  const meaning = known?.[1] ?? 'later';
  return meaning === 'has-it' ? { type: 'has-it' } : { type: 'refused', verdict: meaning, detail };
}

/** Codes that sendrawtransaction answers with after looking (Bitcoin Core src/rpc/protocol.h). */
const LOOKED_AT = new Set([-22, -25, -26, -27]);

/**
 * What a failed call says.
 * @param sends whether the call could have given the node the transaction
 */
export function classifyFailure(error: unknown, sends: boolean): NodeAnswer {
  const detail = error instanceof Error ? error.message : String(error);
  if (!(error instanceof BitcoinRpcError)) return sends ? { type: 'unknown', detail } : notAsked();
  switch (error.kind) {
    case 'rpc':
      if (error.code !== undefined && LOOKED_AT.has(error.code)) return classifyRefusal(detail);
      return sends ? { type: 'unknown', detail } : notAsked();
    case 'warming_up':
    case 'unauthorized':
      return notAsked();
    default:
      return sends ? { type: 'unknown', detail } : notAsked();
  }

  function notAsked(): NodeAnswer {
    return { type: 'not-asked', detail };
  }
}
