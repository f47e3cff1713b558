import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { displayHash, parseTransaction } from '@quittance/bitcoin';
import { assert, toHex } from '@quittance/kernel';
import type { VerifiedInput } from '../checks/inputs.ts';
import { Refusal } from '../refusals.ts';
import type { SignResult } from '../protocol.ts';
import { thresholdOf, type Wallet } from '../wallets.ts';
import { compactSize, entriesOf, formatPsbt, INPUT, type Psbt, type PsbtEntry } from './psbt.ts';
import { scriptKeys } from './scripts.ts';
import { join, SIGHASH, sighashes, uint32, uint64, vector } from './sighash.ts';

const { Point } = secp256k1;
const LOW_R_BOUND = Point.Fn.ORDER / 2n;
const NO_AUXILIARY_RANDOMNESS = new Uint8Array(32);

/** One input's way into the block. */
type Unlocking = { scriptSig: Uint8Array; witness: readonly Uint8Array[] };

/**
 * Signs every input. What is signed is made of the unsigned transaction and of amounts and scripts
 * that were verified, of nothing else in the PSBT. The same request has the same signatures: ECDSA
 * by RFC 6979, Schnorr without auxiliary randomness (BIP340 allows it), so that an answer that was
 * lost can be given again.
 * @throws {Refusal} foreign_signature_wrong when a co-signer's signature is false
 */
export function signTransaction(
  psbt: Psbt,
  { wallet, inputs }: { wallet: Wallet; inputs: readonly VerifiedInput[] },
): SignResult {
  const hashes = sighashes(psbt.unsigned, inputs);
  const maps: PsbtEntry[][] = [];
  const unlockings: (Unlocking | null)[] = [];
  for (const [vin, input] of inputs.entries()) {
    const entries = [...(psbt.inputs[vin] ?? [])];
    const privateKey = privateKeyAt(wallet, input);
    try {
      if (wallet.descriptor.kind === 'tr') {
        const sighash = input.sighash;
        const signature = signTaproot(hashes.taproot(vin, sighash), privateKey);
        const witness =
          sighash === SIGHASH.default ? signature : join(signature, Uint8Array.of(sighash));
        maps.push(finalEntries(entries, { scriptSig: new Uint8Array(), witness: [witness] }));
        unlockings.push({ scriptSig: new Uint8Array(), witness: [witness] });
        continue;
      }
      assert(input.scripts.scriptCode !== null, 'signTransaction: no script to sign for');
      const hash = hashes.segwitV0(vin, input.scripts.scriptCode);
      const signatures = foreignSignatures(entries, { input, hash, wallet });
      const own = join(signEcdsa(hash, privateKey), Uint8Array.of(SIGHASH.all));
      signatures.set(toHex(input.own.ourPublicKey), own);
      const unlocking = unlock(wallet, input, signatures);
      unlockings.push(unlocking);
      maps.push(
        unlocking === null ? withPartial(entries, input, own) : finalEntries(entries, unlocking),
      );
    } finally {
      privateKey.fill(0);
    }
  }
  return resultOf({ ...psbt, inputs: maps }, unlockings);
}

function resultOf(psbt: Psbt, unlockings: readonly (Unlocking | null)[]): SignResult {
  const base64 = Buffer.from(formatPsbt(psbt)).toString('base64');
  const complete = unlockings.filter((each) => each !== null);
  if (complete.length < unlockings.length) return { psbt: base64, complete: false };
  const raw = rawTransaction(psbt, complete);
  const txid = displayHash(parseTransaction(raw).txid);
  return { psbt: base64, complete: true, rawTransaction: toHex(raw), txid };
}

/** BIP144. */
function rawTransaction({ unsigned }: Psbt, unlockings: readonly Unlocking[]): Uint8Array {
  const inputs = unsigned.inputs.flatMap((input, vin) => [
    join(input.prevTxid, uint32(input.prevVout)),
    vector(unlockings[vin]?.scriptSig ?? new Uint8Array()),
    uint32(input.sequence),
  ]);
  const outputs = unsigned.outputs.flatMap((out) => [uint64(out.valueSats), vector(out.script)]);
  return join(
    uint32(unsigned.version),
    Uint8Array.of(0, 1),
    ...[compactSize(unsigned.inputs.length), ...inputs],
    ...[compactSize(unsigned.outputs.length), ...outputs],
    ...unlockings.map(({ witness }) => witnessBytes(witness)),
    uint32(unsigned.locktime),
  );
}

function witnessBytes(witness: readonly Uint8Array[]): Uint8Array {
  return join(compactSize(witness.length), ...witness.map(vector));
}

/** Co-signers' signatures; each is verified, so that "complete" is true when it is said. */
function foreignSignatures(
  entries: readonly PsbtEntry[],
  { input, hash, wallet }: { input: VerifiedInput; hash: Uint8Array; wallet: Wallet },
): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const ours = toHex(input.own.ourPublicKey);
  const keys = new Set(input.own.publicKeys.map(toHex));
  for (const { keyData, value } of entriesOf(entries, INPUT.partialSig)) {
    const key = toHex(keyData);
    if (key === ours) continue;
    if (!keys.has(key) || !isSignature(value, hash, keyData)) {
      throw new Refusal(
        'foreign_signature_wrong',
        `a signature of another key for wallet "${wallet.name}" is false`,
      );
    }
    found.set(key, value);
  }
  return found;
}

function isSignature(value: Uint8Array, hash: Uint8Array, publicKey: Uint8Array): boolean {
  if (value.at(-1) !== SIGHASH.all) return false;
  try {
    const der = value.subarray(0, -1);
    return secp256k1.verify(der, hash, publicKey, { prehash: false, format: 'der', lowS: true });
  } catch {
    return false;
  }
}

/** The final form of an input, or null while signatures are missing. */
function unlock(
  { descriptor }: Wallet,
  { own, scripts }: VerifiedInput,
  signatures: ReadonlyMap<string, Uint8Array>,
): Unlocking | null {
  const scriptSig = scripts.redeemScript === null ? new Uint8Array() : vector(scripts.redeemScript);
  if (scripts.witnessScript === null) {
    const signature = signatures.get(toHex(own.ourPublicKey));
    assert(signature !== undefined, 'unlock: our signature is missing');
    return { scriptSig, witness: [signature, own.ourPublicKey] };
  }
  const inOrder = scriptKeys(descriptor, own.publicKeys).flatMap((key) => {
    const signature = signatures.get(toHex(key));
    return signature === undefined ? [] : [signature];
  });
  const threshold = thresholdOf(descriptor);
  if (inOrder.length < threshold) return null;
  // OP_CHECKMULTISIG takes one item more than it uses, which must be empty (BIP147).
  const witness = [new Uint8Array(), ...inOrder.slice(0, threshold), scripts.witnessScript];
  return { scriptSig, witness };
}

/** BIP174: a finalised input keeps the coin that it spends and what nobody here understands. */
function finalEntries(entries: readonly PsbtEntry[], unlocking: Unlocking): PsbtEntry[] {
  const kept: ReadonlySet<number> = new Set([INPUT.nonWitnessUtxo, INPUT.witnessUtxo]);
  const final = entries.filter(({ type }) => kept.has(type) || type > INPUT.tapMerkleRoot);
  const none = new Uint8Array();
  if (unlocking.scriptSig.length > 0) {
    final.push({ type: INPUT.finalScriptSig, keyData: none, value: unlocking.scriptSig });
  }
  const value = witnessBytes(unlocking.witness);
  final.push({ type: INPUT.finalScriptWitness, keyData: none, value });
  return final;
}

function withPartial(
  entries: readonly PsbtEntry[],
  { own, scripts }: VerifiedInput,
  signature: Uint8Array,
): PsbtEntry[] {
  const ours = toHex(own.ourPublicKey);
  const isOurs = (each: PsbtEntry) =>
    each.type === INPUT.partialSig && toHex(each.keyData) === ours;
  const result = entries.filter((each) => !isOurs(each));
  const none = new Uint8Array();
  const add = (type: number, value: Uint8Array | null) => {
    if (value === null || result.some((each) => each.type === type)) return;
    result.push({ type, keyData: none, value });
  };
  add(INPUT.redeemScript, scripts.redeemScript);
  add(INPUT.witnessScript, scripts.witnessScript);
  result.push({ type: INPUT.partialSig, keyData: own.ourPublicKey, value: signature });
  return result;
}

function privateKeyAt(wallet: Wallet, { own }: VerifiedInput): Uint8Array {
  const branch = wallet.account.deriveChild(own.branch);
  const node = branch.deriveChild(own.index);
  const { privateKey, publicKey } = node;
  assert(privateKey !== null && publicKey !== null, 'privateKeyAt: no private key');
  assert(toHex(publicKey) === toHex(own.ourPublicKey), 'privateKeyAt: another key');
  const copy = Uint8Array.from(privateKey);
  node.wipePrivateData();
  branch.wipePrivateData();
  return copy;
}

/** Ground for a low R as Bitcoin Core does, so that the size of a signature is known before. */
export function signEcdsa(hash: Uint8Array, privateKey: Uint8Array): Uint8Array {
  for (let counter = -1; ; counter++) {
    const entropy = counter < 0 ? {} : { extraEntropy: join(uint32(counter), new Uint8Array(28)) };
    const bytes = secp256k1.sign(hash, privateKey, { prehash: false, ...entropy });
    const signature = secp256k1.Signature.fromBytes(bytes);
    if (signature.r < LOW_R_BOUND) return signature.toBytes('der');
  }
}

/** BIP341 with BIP86's tweak: an output that commits to no script. */
export function signTaproot(hash: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const { Fn, BASE } = Point;
  const secret = Fn.fromBytes(privateKey);
  const point = BASE.multiply(secret);
  const even = point.toAffine().y % 2n === 0n ? secret : Fn.neg(secret);
  const tweak = schnorr.utils.taggedHash('TapTweak', point.toBytes(true).subarray(1));
  const tweaked = Fn.toBytes(Fn.add(even, Fn.create(BigInt(`0x${toHex(tweak)}`))));
  try {
    return schnorr.sign(hash, tweaked, NO_AUXILIARY_RANDOMNESS);
  } finally {
    tweaked.fill(0);
  }
}
