import { assert, toHex } from '@quittance/kernel';
import type { Transaction as Psbt } from '@scure/btc-signer';
import { getPrevOut } from '@scure/btc-signer/transaction.js';
import { hash160, sha256 } from '../hashes.ts';
import { classifyScript, p2pkhScript, readMultisigScript } from '../scripts.ts';
import { SIGHASH_ALL, SIGHASH_DEFAULT, type Sighashes, sighashesOf } from '../sighash.ts';
import { verifyEcdsa, verifySchnorr } from '../signatures.ts';
import { parseTransaction, type Transaction, type TransactionOutput } from '../transaction.ts';
import type { InputProof } from '../transaction-writer.ts';

/** What an input needs, read from our own PSBT and never from one that comes back. */
export type InputRule =
  | { readonly kind: 'taproot'; readonly outputKey: Uint8Array }
  | {
      readonly kind: 'key_hash';
      readonly publicKey: Uint8Array;
      /** What the signature commits to: the P2PKH script (BIP143 too). */
      readonly signedScript: Uint8Array;
      readonly hasWitness: boolean;
      readonly redeemScript: Uint8Array | null;
    }
  | {
      readonly kind: 'multisig';
      readonly threshold: number;
      /** In the order of the script, in which the signatures have to be. */
      readonly publicKeys: readonly Uint8Array[];
      readonly witnessScript: Uint8Array;
      readonly redeemScript: Uint8Array | null;
    };

/** A PSBT of ours with what checking signatures takes. */
export interface SigningState {
  readonly psbt: Psbt;
  readonly unsigned: Transaction;
  readonly spent: readonly TransactionOutput[];
  readonly rules: readonly InputRule[];
  readonly sighashes: Sighashes;
}

/** @throws {AssertionError} when the PSBT is none that `buildPsbt` makes */
export function signingState(psbt: Psbt): SigningState {
  const unsigned = parseTransaction(psbt.unsignedTx);
  const inputs = unsigned.inputs.map((_, i) => psbt.getInput(i));
  const spent = inputs.map((input) => {
    const { amount, script } = getPrevOut(input);
    return { valueSats: amount, script };
  });
  const rules = inputs.map((input, i) => {
    const script = spent[i]?.script;
    assert(script !== undefined, 'signingState: an output for each input');
    return readRule(input, script);
  });
  return { psbt, unsigned, spent, rules, sighashes: sighashesOf(unsigned, spent) };
}

type Input = ReturnType<Psbt['getInput']>;

function readRule(input: Input, script: Uint8Array): InputRule {
  const { redeemScript = null, witnessScript } = input;
  const parts = classifyScript(script);
  if (parts?.kind === 'p2tr') return { kind: 'taproot', outputKey: parts.program };
  if (witnessScript !== undefined) {
    const multisig = readMultisigScript(witnessScript);
    assert(multisig !== null, 'signingState: a script is no multisig');
    return { kind: 'multisig', ...multisig, witnessScript, redeemScript };
  }
  const publicKey = input.bip32Derivation?.[0]?.[0];
  assert(publicKey !== undefined, 'signingState: an input names no key');
  const signedScript = p2pkhScript(hash160(publicKey));
  const hasWitness = parts?.kind !== 'p2pkh';
  return { kind: 'key_hash', publicKey, signedScript, hasWitness, redeemScript };
}

/** Signatures of one input, by the key in hexadecimal; of Taproot's key path under "". */
export type InputSignatures = ReadonlyMap<string, Uint8Array>;

/** How many signatures an input needs. */
export function signaturesNeeded(rule: InputRule): number {
  return rule.kind === 'multisig' ? rule.threshold : 1;
}

export type SignatureVerdict = 'valid' | 'invalid' | 'foreign_key' | 'sighash';

/** Checks one signature against what it must sign: all inputs and all outputs. */
export function judge(
  { rules, spent, sighashes }: SigningState,
  given: { input: number; key: string; signature: Uint8Array },
): SignatureVerdict {
  const { input, key, signature } = given;
  const rule = rules[input];
  const output = spent[input];
  assert(rule !== undefined && output !== undefined, 'judge: no such input');
  if (rule.kind === 'taproot') {
    const isDefault = signature.length === 64;
    const sighash = isDefault ? SIGHASH_DEFAULT : signature[64];
    if (signature.length > 65 || (!isDefault && sighash !== SIGHASH_ALL)) return 'sighash';
    const digest = sighashes.taproot(input, isDefault ? SIGHASH_DEFAULT : SIGHASH_ALL);
    return verdict(verifySchnorr(signature.slice(0, 64), digest, rule.outputKey));
  }
  const keys = rule.kind === 'multisig' ? rule.publicKeys : [rule.publicKey];
  const publicKey = keys.find((each) => toHex(each) === key);
  if (publicKey === undefined) return 'foreign_key';
  if (signature.at(-1) !== SIGHASH_ALL) return 'sighash';
  const { valueSats } = output;
  const script = rule.kind === 'multisig' ? rule.witnessScript : rule.signedScript;
  const digest =
    rule.kind === 'key_hash' && !rule.hasWitness
      ? sighashes.legacy(input, script)
      : sighashes.witnessV0(input, { script, valueSats });
  return verdict(verifyEcdsa(signature.slice(0, -1), digest, publicKey));
}

/** The signatures that a PSBT holds for an input, as parts or inside a finished witness. */
export function signaturesIn(input: Input, rule: InputRule): InputSignatures {
  const found = new Map<string, Uint8Array>();
  if (rule.kind === 'taproot') {
    const signature = input.tapKeySig ?? input.finalScriptWitness?.[0];
    if (signature !== undefined) found.set('', signature);
    return found;
  }
  for (const [key, signature] of input.partialSig ?? []) found.set(toHex(key), signature);
  const witness = input.finalScriptWitness;
  if (rule.kind === 'key_hash') {
    const [signature, key] = witness ?? readPushes(input.finalScriptSig);
    if (signature !== undefined && key !== undefined) found.set(toHex(key), signature);
  }
  return found;
}

/** Signatures of a finished multisig witness, which does not say whose they are. */
export function namelessSignatures(input: Input, rule: InputRule): Uint8Array[] {
  if (rule.kind !== 'multisig' || input.finalScriptWitness === undefined) return [];
  return input.finalScriptWitness.slice(1, -1);
}

/** The pushes of a P2PKH script signature: a signature and a key, both below 76 bytes. */
function readPushes(scriptSig: Uint8Array | undefined): Uint8Array[] {
  const pushes: Uint8Array[] = [];
  let at = 0;
  while (scriptSig !== undefined && at < scriptSig.length) {
    const length = scriptSig[at] ?? 0;
    pushes.push(scriptSig.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return pushes;
}

/**
 * What makes the input valid, of valid signatures.
 * @returns null when there are too few
 */
export function proofOf(rule: InputRule, signatures: InputSignatures): InputProof | null {
  const none = new Uint8Array();
  if (rule.kind === 'taproot') {
    const signature = signatures.get('');
    return signature === undefined ? null : { scriptSig: none, witness: [signature] };
  }
  const nested = rule.redeemScript === null ? none : push(rule.redeemScript);
  if (rule.kind === 'key_hash') {
    const signature = signatures.get(toHex(rule.publicKey));
    if (signature === undefined) return null;
    return rule.hasWitness
      ? { scriptSig: nested, witness: [signature, rule.publicKey] }
      : { scriptSig: Uint8Array.of(...push(signature), ...push(rule.publicKey)), witness: [] };
  }
  const inOrder = rule.publicKeys.flatMap((key) => signatures.get(toHex(key)) ?? []);
  if (inOrder.length < rule.threshold) return null;
  // CHECKMULTISIG takes one element more than it uses; it must be empty (BIP147).
  const witness = [none, ...inOrder.slice(0, rule.threshold), rule.witnessScript];
  return { scriptSig: nested, witness };
}

function push(data: Uint8Array): Uint8Array {
  return Uint8Array.of(data.length, ...data);
}

function verdict(isValid: boolean): SignatureVerdict {
  return isValid ? 'valid' : 'invalid';
}

/** Tells whether our own PSBT's scripts are those that its outputs are hashes of. */
export function isConsistent({ rules, spent }: SigningState): boolean {
  return rules.every((rule, i) => {
    const parts = classifyScript(spent[i]?.script ?? new Uint8Array());
    if (rule.kind === 'taproot' || parts === null) return parts !== null;
    const program = rule.kind === 'multisig' ? sha256(rule.witnessScript) : hash160(rule.publicKey);
    const inner = Uint8Array.of(0, program.length, ...program);
    if ('program' in parts) return toHex(parts.program) === toHex(program);
    return toHex(parts.hash) === toHex(rule.redeemScript === null ? program : hash160(inner));
  });
}
