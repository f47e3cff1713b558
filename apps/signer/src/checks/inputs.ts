import { displayHash, MalformedError, parseTransaction } from '@quittance/bitcoin';
import { toHex } from '@quittance/kernel';
import {
  entriesOf,
  INPUT,
  type Psbt,
  type PsbtMap,
  readOrigin,
  readTapOrigin,
  readTxOut,
  single,
} from '../psbt/psbt.ts';
import { type SpendScripts, spendScripts } from '../psbt/scripts.ts';
import { SIGHASH, type Sighash } from '../psbt/sighash.ts';
import { Refusal } from '../refusals.ts';
import { HARDENED, type OwnScript, ownScript, type Wallet } from '../wallets.ts';

/** An input that is ours for certain, with an amount that can't be a lie. */
export type VerifiedInput = {
  /** Displayed txid and number of the output that is spent. */
  outpoint: string;
  amountSats: bigint;
  script: Uint8Array;
  own: OwnScript;
  scripts: SpendScripts;
  sighash: Sighash;
};

/**
 * Makes sure that every input spends a coin of the wallet and finds out its amount.
 *
 * A BIP143 signature covers the amount of its own input only: a server that lies about another
 * input's amount, twice, could make us sign away the difference as fee. So for segwit version 0 the
 * whole previous transaction is needed, whose hash is what the input names. A Taproot signature
 * covers all amounts and scripts (BIP341): a lie makes it worthless, so the stated output is enough
 * when all inputs are Taproot, as they are in a tr() wallet.
 * @throws {Refusal}
 */
export function verifyInputs(psbt: Psbt, wallet: Wallet): VerifiedInput[] {
  const seen = new Set<string>();
  return psbt.unsigned.inputs.map((input, vin) => {
    const outpoint = `${displayHash(input.prevTxid)}:${input.prevVout}`;
    if (seen.has(outpoint)) {
      throw new Refusal('input_duplicate', `${outpoint} is spent twice in one transaction`);
    }
    seen.add(outpoint);
    const map = psbt.inputs[vin] ?? [];
    if (single(map, INPUT.finalScriptSig) ?? single(map, INPUT.finalScriptWitness)) {
      throw new Refusal('psbt_already_final', `input ${vin} is final already`);
    }
    const coin = spentCoin(map, { input, wallet, vin });
    const own = placeOf(map, { wallet, script: coin.script, vin });
    const scripts = spendScripts(wallet, own);
    checkStatedScripts(map, { wallet, own, scripts, vin });
    return { outpoint, ...coin, own, scripts, sighash: sighashOf(map, wallet, vin) };
  });
}

type Input = Psbt['unsigned']['inputs'][number];

function spentCoin(
  map: PsbtMap,
  { input, wallet, vin }: { input: Input; wallet: Wallet; vin: number },
): { amountSats: bigint; script: Uint8Array } {
  const rawPrevious = single(map, INPUT.nonWitnessUtxo);
  const stated = single(map, INPUT.witnessUtxo);
  const claim = stated === null ? null : readTxOut(stated);
  if (rawPrevious === null) {
    if (wallet.descriptor.kind === 'tr' && claim !== null) {
      return { amountSats: claim.valueSats, script: claim.script };
    }
    const what = wallet.descriptor.kind === 'tr' ? 'the spent output' : 'the previous transaction';
    throw new Refusal('previous_transaction_missing', `input ${vin} comes without ${what}`);
  }
  const previous = parsePrevious(rawPrevious, vin);
  if (toHex(previous.txid) !== toHex(input.prevTxid)) {
    throw new Refusal(
      'previous_transaction_wrong',
      `input ${vin} comes with a previous transaction that is not the one it spends`,
    );
  }
  const output = previous.outputs[input.prevVout];
  if (output === undefined) {
    throw new Refusal('previous_transaction_wrong', `input ${vin} spends an output that is not`);
  }
  const isSame =
    claim === null ||
    (claim.valueSats === output.valueSats && toHex(claim.script) === toHex(output.script));
  if (!isSame) {
    throw new Refusal(
      'input_amount_wrong',
      `input ${vin} says that it spends another amount or script than its previous transaction has`,
    );
  }
  return { amountSats: output.valueSats, script: output.script };
}

function parsePrevious(raw: Uint8Array, vin: number) {
  try {
    return parseTransaction(raw);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new Refusal(
      'previous_transaction_wrong',
      `input ${vin} comes with something that is no transaction`,
    );
  }
}

/** Finds the place by the stated path and derives it: the path is a hint, the script the proof. */
function placeOf(
  map: PsbtMap,
  { wallet, script, vin }: { wallet: Wallet; script: Uint8Array; vin: number },
): OwnScript {
  const places = statedPlaces(map, wallet, {
    plain: INPUT.bip32Derivation,
    taproot: INPUT.tapBip32Derivation,
  });
  if (places.length === 0) {
    throw new Refusal(
      'input_path_missing',
      `input ${vin} names no key path below wallet "${wallet.name}"`,
    );
  }
  for (const place of places) {
    const own = ownScript(wallet, place);
    if (toHex(own.script) === toHex(script)) return own;
  }
  throw new Refusal('input_not_ours', `input ${vin} does not belong to wallet "${wallet.name}"`);
}

/** A path is stated once for our key; a few more would be strange, many an attack. */
const MAX_STATED_PLACES = 4;

/** The places that a map names for our key of this wallet, without believing them. */
export function statedPlaces(
  map: PsbtMap,
  wallet: Wallet,
  types: { plain: number; taproot: number },
): { branch: number; index: number }[] {
  const isTaproot = wallet.descriptor.kind === 'tr';
  const entries = entriesOf(map, isTaproot ? types.taproot : types.plain);
  const places = entries.flatMap(({ value }) => {
    const origin = isTaproot ? readTapOrigin(value) : readOrigin(value);
    if (origin === null || origin.fingerprint !== wallet.fingerprint) return [];
    const { accountPath } = wallet;
    const [branch, index] = origin.path.slice(accountPath.length);
    const isBelow =
      origin.path.length === accountPath.length + 2 &&
      accountPath.every((step, i) => origin.path[i] === step);
    if (!isBelow || branch === undefined || index === undefined) return [];
    return branch <= 1 && index < HARDENED ? [{ branch, index }] : [];
  });
  return places.slice(0, MAX_STATED_PLACES);
}

/** Nothing of what the PSBT says about scripts is used; what contradicts us is not innocent. */
function checkStatedScripts(
  map: PsbtMap,
  {
    wallet,
    own,
    scripts,
    vin,
  }: { wallet: Wallet; own: OwnScript; scripts: SpendScripts; vin: number },
): void {
  const isTaproot = wallet.descriptor.kind === 'tr';
  const expected: [number, Uint8Array | null][] = [
    [INPUT.redeemScript, scripts.redeemScript],
    [INPUT.witnessScript, scripts.witnessScript],
    [INPUT.tapInternalKey, isTaproot ? own.ourPublicKey.subarray(1) : null],
    [INPUT.tapMerkleRoot, null],
  ];
  for (const [type, own] of expected) {
    const stated = single(map, type);
    if (stated === null || (own !== null && toHex(stated) === toHex(own))) continue;
    throw new Refusal(
      'input_script_wrong',
      `input ${vin} states a script that is not the wallet's`,
    );
  }
  const tapScripts = [INPUT.tapLeafScript, INPUT.tapScriptSig];
  if (tapScripts.some((type) => entriesOf(map, type).length > 0)) {
    throw new Refusal('input_script_wrong', `input ${vin} states a script path; there is none`);
  }
}

function sighashOf(map: PsbtMap, wallet: Wallet, vin: number): Sighash {
  const stated = single(map, INPUT.sighashType);
  const isTaproot = wallet.descriptor.kind === 'tr';
  if (stated === null) return isTaproot ? SIGHASH.default : SIGHASH.all;
  const type = stated.length === 4 ? Buffer.from(stated).readUInt32LE() : -1;
  if (type === SIGHASH.all) return SIGHASH.all;
  if (type === SIGHASH.default && isTaproot) return SIGHASH.default;
  throw new Refusal(
    'sighash_forbidden',
    `input ${vin} asks for a signature that does not cover the whole transaction (type ${type})`,
  );
}
