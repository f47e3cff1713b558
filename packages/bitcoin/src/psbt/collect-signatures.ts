import { assert, fromHex, toHex } from '@quittance/kernel';
import type { Transaction as Psbt } from '@scure/btc-signer';
import { displayHash, parseTransaction } from '../transaction.ts';
import { writeTransaction } from '../transaction-writer.ts';
import { readPsbt } from './psbt-format.ts';
import {
  type InputSignatures,
  isConsistent,
  judge,
  namelessSignatures,
  proofOf,
  type SignatureVerdict,
  type SigningState,
  signaturesIn,
  signaturesNeeded,
  signingState,
} from './signing-state.ts';

export type CheckedPsbt =
  | {
      readonly ok: true;
      /** Ours, with every valid signature that came back. */
      readonly psbt: Uint8Array;
      /** Signatures that were not there before. */
      readonly added: number;
      readonly isComplete: boolean;
    }
  | {
      readonly ok: false;
      readonly code: 'not_a_psbt' | 'other_transaction';
      readonly reason: string;
    }
  | {
      readonly ok: false;
      readonly code: 'invalid_signature' | 'foreign_key' | 'sighash';
      /** Which input. */
      readonly input: number;
      readonly reason: string;
    };

export type FinalizedPsbt =
  | { readonly ok: true; readonly raw: Uint8Array; readonly txid: string; readonly vsize: number }
  | {
      readonly ok: false;
      readonly code: 'incomplete';
      readonly missing: readonly { input: number; have: number; need: number }[];
      readonly reason: string;
    };

/**
 * Takes the signatures out of a PSBT that comes back from a signer, whichever, and adds them to
 * ours. Nothing else of it is believed: it must be the same unsigned transaction, and each signature
 * is verified against what our own PSBT says is spent, so that a broken or tampered one is caught
 * before broadcasting. Signatures that do not commit to all inputs and outputs are refused.
 * @param ours what `buildPsbt` or an earlier call made
 * @param returned base64 text or the content of a file
 * @throws {AssertionError} when `ours` is none of ours
 */
export function checkSignedPsbt(ours: Uint8Array, returned: Uint8Array | string): CheckedPsbt {
  const state = stateOf(ours);
  const parsed = readPsbt(returned);
  if (!parsed.ok) return { ok: false, code: 'not_a_psbt', reason: parsed.reason };
  if (unsignedOf(parsed.transaction) !== toHex(state.psbt.unsignedTx)) {
    const reason =
      'the PSBT is of another transaction than the one that was given out to be signed';
    return { ok: false, code: 'other_transaction', reason };
  }
  let added = 0;
  let isComplete = true;
  for (const [input, rule] of state.rules.entries()) {
    const found = collect(state, input, parsed.transaction);
    if (!found.ok) return refuseSignature(found.verdict, input);
    const had = ownSignatures(state, input);
    const fresh = new Map([...found.signatures].filter(([key]) => !had.has(key)));
    store(state, input, fresh);
    added += fresh.size;
    if (had.size + fresh.size < signaturesNeeded(rule)) isComplete = false;
  }
  return { ok: true, psbt: state.psbt.toPSBT(0), added, isComplete };
}

/**
 * Puts the signatures of several signers together, as `checkSignedPsbt` does one after the other.
 * @returns the first refusal, or all of them in one PSBT
 */
export function combinePsbts(
  ours: Uint8Array,
  returned: readonly (Uint8Array | string)[],
): CheckedPsbt {
  let psbt = ours;
  let added = 0;
  let isComplete = false;
  for (const each of returned) {
    const checked = checkSignedPsbt(psbt, each);
    if (!checked.ok) return checked;
    psbt = checked.psbt;
    added += checked.added;
    isComplete = checked.isComplete;
  }
  return { ok: true, psbt, added, isComplete };
}

/**
 * Makes the transaction that can be broadcast, of a PSBT with enough signatures. Every signature is
 * verified once more.
 * @throws {AssertionError} when the PSBT is none of ours
 */
export function finalizePsbt(psbt: Uint8Array): FinalizedPsbt {
  const state = stateOf(psbt);
  const signatures = state.rules.map((_, input) => ownSignatures(state, input));
  const missing = state.rules.flatMap((rule, input) => {
    const have = signatures[input]?.size ?? 0;
    const need = signaturesNeeded(rule);
    return have < need ? [{ input, have, need }] : [];
  });
  if (missing.length > 0) {
    const reason = `${missing.length} of ${state.rules.length} inputs lack signatures`;
    return { ok: false, code: 'incomplete', missing, reason };
  }
  const proofs = state.rules.map((rule, input) => {
    const proof = proofOf(rule, signatures[input] ?? new Map());
    assert(proof !== null, 'finalizePsbt: an input is not complete');
    return proof;
  });
  const raw = writeTransaction(state.unsigned, proofs);
  const { txid, vsize } = parseTransaction(raw);
  return { ok: true, raw, txid: displayHash(txid), vsize };
}

function stateOf(psbt: Uint8Array): SigningState {
  const parsed = readPsbt(psbt);
  assert(parsed.ok, 'the PSBT is not one that buildPsbt made');
  const state = signingState(parsed.transaction);
  assert(isConsistent(state), 'the scripts of the PSBT are not those of the outputs it spends');
  return state;
}

/** Its unsigned transaction; "" when it has none that is whole. */
function unsignedOf(psbt: Psbt): string {
  try {
    return toHex(psbt.unsignedTx);
  } catch {
    return '';
  }
}

/** The valid signatures of our own PSBT. */
function ownSignatures(state: SigningState, input: number): InputSignatures {
  const found = collect(state, input, state.psbt);
  return found.ok ? found.signatures : new Map();
}

type Collected =
  | { ok: true; signatures: InputSignatures }
  | { ok: false; verdict: Exclude<SignatureVerdict, 'valid'> };

function collect(state: SigningState, input: number, psbt: Psbt): Collected {
  const rule = state.rules[input];
  assert(rule !== undefined, 'collect: no such input');
  const given = psbt.getInput(input);
  const valid = new Map<string, Uint8Array>();
  for (const [key, signature] of signaturesIn(given, rule)) {
    const verdict = judge(state, { input, key, signature });
    if (verdict !== 'valid') return { ok: false, verdict };
    valid.set(key, signature);
  }
  for (const signature of namelessSignatures(given, rule)) {
    const keys = rule.kind === 'multisig' ? rule.publicKeys.map(toHex) : [];
    const key = keys.find((each) => judge(state, { input, key: each, signature }) === 'valid');
    if (key === undefined) return { ok: false, verdict: 'invalid' };
    valid.set(key, signature);
  }
  return { ok: true, signatures: valid };
}

function store(state: SigningState, input: number, fresh: InputSignatures): void {
  if (fresh.size === 0) return;
  const tapKeySig = fresh.get('');
  if (tapKeySig !== undefined) {
    state.psbt.updateInput(input, { tapKeySig }, true);
    return;
  }
  const partialSig = [...fresh].map(([key, signature]): [Uint8Array, Uint8Array] => [
    fromHex(key),
    signature,
  ]);
  state.psbt.updateInput(input, { partialSig }, true);
}

function refuseSignature(verdict: Exclude<SignatureVerdict, 'valid'>, input: number): CheckedPsbt {
  switch (verdict) {
    case 'invalid': {
      const reason = `a signature of input ${input} does not verify: the signer is broken or was misled`;
      return { ok: false, code: 'invalid_signature', input, reason };
    }
    case 'foreign_key': {
      const reason = `a signature of input ${input} is by a key that has no say in it`;
      return { ok: false, code: 'foreign_key', input, reason };
    }
    case 'sighash': {
      const reason = `a signature of input ${input} does not commit to the whole transaction`;
      return { ok: false, code: 'sighash', input, reason };
    }
  }
}
