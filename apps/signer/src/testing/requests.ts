/**
 * Makes requests as a server would, for the suites: with coins of previous transactions that are
 * made up (the signer knows no chain) or real.
 */
import { parseTransaction } from '@quittance/bitcoin';
import { fromHex, toHex } from '@quittance/kernel';
import { type Approver, signApproval } from '../approval.ts';
import type { Approval, PayoutRequest, PayoutTerms, SignKind, SignParams } from '../protocol.ts';
import { compactSize, formatPsbt, GLOBAL, INPUT, OUTPUT, type PsbtEntry } from '../psbt/psbt.ts';
import { spendScripts } from '../psbt/scripts.ts';
import { join, uint32, uint64, vector } from '../psbt/sighash.ts';
import { type OwnScript, ownScript, type Wallet } from '../wallets.ts';

/** An output that the wallet can spend, with the transaction that made it. */
export type Coin = {
  rawPrevious: Uint8Array;
  vout: number;
  amountSats: bigint;
  script: Uint8Array;
  branch: number;
  index: number;
};

export type PlannedOutput = {
  script: Uint8Array;
  amountSats: bigint;
  /** Where our change is derived; left out for what goes to others. */
  place?: { branch: number; index: number };
};

/** Everything about a transaction before it is signed; tests change one thing and see. */
export type Draft = {
  wallet: Wallet;
  coins: Coin[];
  outputs: PlannedOutput[];
  version: number;
  locktime: number;
  sequence: number;
  /** Changes the maps of the PSBT before it is written. */
  edit?: (maps: { inputs: PsbtEntry[][]; outputs: PsbtEntry[][] }) => void;
};

/** A transaction that pays the wallet, from nowhere. */
export function makeCoin(
  wallet: Wallet,
  at: { branch: number; index: number; amountSats: bigint; salt: number },
): Coin {
  const { branch, index, amountSats, salt } = at;
  const { script } = ownScript(wallet, { branch, index });
  const from = new Uint8Array(32).fill(salt & 0xff);
  new DataView(from.buffer).setUint32(0, salt >>> 0);
  const other = { script: p2wpkh(salt), amountSats: 12_345n };
  const vout = salt % 2;
  const outputs = vout === 0 ? [{ script, amountSats }, other] : [other, { script, amountSats }];
  const inputs = [{ txid: from, vout: salt % 5, sequence: 0xffff_fffd }];
  const rawPrevious = rawUnsigned({ version: 2, locktime: 0, inputs, outputs });
  return { rawPrevious, vout, amountSats, script, branch, index };
}

/** A destination that is nobody's in particular. */
export function p2wpkh(salt: number): Uint8Array {
  const program = new Uint8Array(20);
  new DataView(program.buffer).setUint32(8, salt >>> 0);
  program[0] = 0x5a;
  return join(Uint8Array.of(0, 20), program);
}

/** Our change at an index. */
export function changeOutput(wallet: Wallet, index: number, amountSats: bigint): PlannedOutput {
  const place = { branch: 1, index };
  return { script: ownScript(wallet, place).script, amountSats, place };
}

/** Writes the PSBT with all that the signer asks for. */
export function psbtOf(draft: Draft): string {
  const { wallet, coins, outputs, version, locktime, sequence } = draft;
  const inputs = coins.map((coin) => ({
    txid: parseTransaction(coin.rawPrevious).txid,
    vout: coin.vout,
    sequence,
  }));
  const unsigned = rawUnsigned({ version, locktime, inputs, outputs });
  const maps = {
    inputs: coins.map((coin) => inputMap(wallet, coin)),
    outputs: outputs.map((output) => outputMap(wallet, output)),
  };
  draft.edit?.(maps);
  const global = [entry(GLOBAL.unsignedTx, unsigned)];
  return Buffer.from(formatPsbt({ global, ...maps })).toString('base64');
}

/** A payout with its approvals. */
export function payoutOf(
  terms: Omit<PayoutTerms, 'script'> & { script: Uint8Array },
  options: { wallet: string; approvers: readonly Approver[]; expiresAtMs: number },
): PayoutRequest {
  const payout = { ...terms, script: toHex(terms.script) };
  return { ...payout, approvals: approvalsOf(payout, options) };
}

export function approvalsOf(
  payout: PayoutTerms,
  {
    wallet,
    approvers,
    expiresAtMs,
  }: { wallet: string; approvers: readonly Approver[]; expiresAtMs: number },
): Approval[] {
  const { payoutId, script, amountSats, feeFrom, maxFeeShareSats } = payout;
  const terms = { payoutId, script, amountSats, feeFrom, maxFeeShareSats };
  return approvers.map((approver) =>
    signApproval(approver, { ...terms, network: 'regtest', wallet, expiresAtMs }),
  );
}

export function paramsOf(
  draft: Draft,
  rest: { requestId: string; kind: SignKind; payouts: readonly PayoutRequest[] },
): SignParams {
  return { ...rest, wallet: draft.wallet.name, psbt: psbtOf(draft) };
}

/** A transaction without signatures, as a PSBT carries it. */
export function rawUnsigned(parts: {
  version: number;
  locktime: number;
  inputs: readonly { txid: Uint8Array; vout: number; sequence: number }[];
  outputs: readonly { script: Uint8Array; amountSats: bigint }[];
}): Uint8Array {
  const inputs = parts.inputs.map(({ txid, vout, sequence }) =>
    join(txid, uint32(vout), Uint8Array.of(0), uint32(sequence)),
  );
  const outputs = parts.outputs.map(({ script, amountSats }) =>
    join(uint64(amountSats), vector(script)),
  );
  return join(
    uint32(parts.version),
    ...[compactSize(inputs.length), ...inputs],
    ...[compactSize(outputs.length), ...outputs],
    uint32(parts.locktime),
  );
}

export function entry(
  type: number,
  value: Uint8Array,
  keyData: Uint8Array = new Uint8Array(),
): PsbtEntry {
  return { type, keyData, value };
}

/** The stated output of BIP174: amount and script. */
export function witnessUtxo(coin: { amountSats: bigint; script: Uint8Array }): Uint8Array {
  return join(uint64(coin.amountSats), vector(coin.script));
}

function inputMap(wallet: Wallet, coin: Coin): PsbtEntry[] {
  const own = ownScript(wallet, coin);
  const isTaproot = wallet.descriptor.kind === 'tr';
  const scripts = spendScripts(wallet, own);
  const map = [entry(INPUT.witnessUtxo, witnessUtxo(coin))];
  if (!isTaproot) map.unshift(entry(INPUT.nonWitnessUtxo, coin.rawPrevious));
  if (scripts.redeemScript !== null) map.push(entry(INPUT.redeemScript, scripts.redeemScript));
  if (scripts.witnessScript !== null) map.push(entry(INPUT.witnessScript, scripts.witnessScript));
  if (isTaproot) map.push(entry(INPUT.tapInternalKey, own.ourPublicKey.subarray(1)));
  const types = { plain: INPUT.bip32Derivation, taproot: INPUT.tapBip32Derivation };
  return [...map, derivation(wallet, own, types)];
}

function outputMap(wallet: Wallet, { place }: PlannedOutput): PsbtEntry[] {
  if (place === undefined) return [];
  const types = { plain: OUTPUT.bip32Derivation, taproot: OUTPUT.tapBip32Derivation };
  return [derivation(wallet, ownScript(wallet, place), types)];
}

/** BIP174 for keys of 33 bytes, BIP371 for Taproot's of 32. */
export function derivation(
  wallet: Wallet,
  { branch, index, ourPublicKey }: Pick<OwnScript, 'branch' | 'index' | 'ourPublicKey'>,
  types: { plain: number; taproot: number },
): PsbtEntry {
  const steps = [...wallet.accountPath, branch, index].map(uint32);
  const fingerprint = fromHex(wallet.fingerprint.toString(16).padStart(8, '0'));
  const origin = join(fingerprint, ...steps);
  if (wallet.descriptor.kind !== 'tr') return entry(types.plain, origin, ourPublicKey);
  return entry(types.taproot, join(Uint8Array.of(0), origin), ourPublicKey.slice(1));
}
