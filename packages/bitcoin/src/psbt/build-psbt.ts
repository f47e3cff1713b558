import { assert, type Sats } from '@quittance/kernel';
import { Transaction } from '@scure/btc-signer';
import { deriveSpendingScripts } from '../descriptors/derive.ts';
import type { Descriptor } from '../descriptors/descriptor.ts';
import { displayHash, parseTransaction } from '../transaction.ts';
import { keyPath } from './key-paths.ts';

/** One of a wallet's scripts. */
export interface OwnScript {
  readonly descriptor: Descriptor;
  readonly branch: number;
  readonly index: number;
}

export interface PsbtInput extends OwnScript {
  /** The raw transaction whose output is spent, with or without its witness. */
  readonly previous: Uint8Array;
  readonly vout: number;
  /** Default {@link REPLACEABLE_SEQUENCE}. */
  readonly sequence?: number;
}

export interface PsbtOutput {
  readonly script: Uint8Array;
  readonly amountSats: Sats;
  /** The script is our own, such as change: signers show it as theirs. */
  readonly own?: OwnScript;
}

/** Signals that the transaction may be replaced (BIP125) and makes its lock time count. */
export const REPLACEABLE_SEQUENCE = 0xfffffffd;
/** Relative lock times (BIP68) are not used, and version 2 is what most wallets write. */
const VERSION = 2;
const MAX_SEQUENCE = 0xffffffff;

/** What reads and writes PSBTs must let through: data outputs, and scripts not known yet. */
export const PSBT_OPTIONS = { allowUnknownOutputs: true, version: VERSION } as const;

/**
 * Writes a PSBT (BIP174, version 0; BIP371) with everything that a signer needs: previous
 * transactions for witness version 0, so that a signer can check the amounts for itself, scripts,
 * and the paths of keys. Inputs and outputs stay in the given order; `shuffled` gives one that tells
 * nothing.
 * @param transaction `locktime`: a height, see `antiFeeSniping`; 0 is none
 * @throws {AssertionError} when a script or amount is not what the descriptor or the previous
 *   transaction says: our own records contradict each other
 * @throws {MalformedError} when a previous transaction is none
 */
export function buildPsbt(transaction: {
  inputs: readonly PsbtInput[];
  outputs: readonly PsbtOutput[];
  locktime?: number;
}): Uint8Array {
  const { inputs, outputs, locktime = 0 } = transaction;
  assert(inputs.length > 0 && outputs.length > 0, 'buildPsbt: no inputs or no outputs');
  const psbt = new Transaction({ ...PSBT_OPTIONS, lockTime: locktime });
  const previous = new Map<Uint8Array, ReturnType<typeof parseTransaction>>();
  for (const input of inputs) {
    const known = previous.get(input.previous) ?? parseTransaction(input.previous);
    previous.set(input.previous, known);
    psbt.addInput(inputFields(input, known));
  }
  for (const { script, amountSats, own } of outputs) {
    const fields = own === undefined ? {} : ownFields(own, script);
    psbt.addOutput({ script, amount: amountSats, ...fields });
  }
  return psbt.toPSBT(0);
}

function inputFields(input: PsbtInput, previous: ReturnType<typeof parseTransaction>) {
  const { descriptor, vout, sequence = REPLACEABLE_SEQUENCE } = input;
  assert(sequence >= 0 && sequence <= MAX_SEQUENCE, 'buildPsbt: bad sequence');
  const output = previous.outputs[vout];
  assert(output !== undefined, 'buildPsbt: the previous transaction has no such output');
  const own = ownFields(input, output.script);
  const witnessUtxo = { amount: output.valueSats, script: output.script };
  return {
    txid: displayHash(previous.txid),
    index: vout,
    sequence,
    // Taproot signatures commit to all amounts (BIP341), so the previous transaction adds nothing;
    // before segwit there is no witness output.
    ...(descriptor.kind === 'tr' ? {} : { nonWitnessUtxo: input.previous }),
    ...(descriptor.kind === 'pkh' ? {} : { witnessUtxo }),
    ...own,
  };
}

/** Keys, paths and scripts of an own script; for inputs and outputs they are named alike. */
function ownFields(own: OwnScript, script: Uint8Array) {
  const { descriptor } = own;
  const spending = deriveSpendingScripts(descriptor, own);
  assert(
    Buffer.compare(spending.script, script) === 0,
    'buildPsbt: a script is not what its descriptor derives',
  );
  const paths = descriptor.keys.map((key, i) => {
    const publicKey = spending.publicKeys[i];
    assert(publicKey !== undefined, 'buildPsbt: a key is missing');
    const { fingerprint, path } = keyPath(key, own);
    return { publicKey, der: { fingerprint, path: [...path] } };
  });
  if (descriptor.kind === 'tr') {
    const [path] = paths;
    assert(path !== undefined, 'buildPsbt: tr() has a key');
    const internalKey = path.publicKey.subarray(1);
    const derivation: [Uint8Array, { hashes: Uint8Array[]; der: typeof path.der }] = [
      internalKey,
      { hashes: [], der: path.der },
    ];
    return { tapInternalKey: internalKey, tapBip32Derivation: [derivation] };
  }
  return {
    bip32Derivation: paths.map(({ publicKey, der }): [Uint8Array, typeof der] => [publicKey, der]),
    ...(spending.redeemScript === null ? {} : { redeemScript: spending.redeemScript }),
    ...(spending.witnessScript === null ? {} : { witnessScript: spending.witnessScript }),
  };
}
