import { toHex } from '@quittance/kernel';
import { hash160, sha256 } from '../hashes.ts';
import { ByteReader } from '../reader.ts';
import { p2pkhScript, p2shScript, witnessScript } from '../scripts.ts';
import { MIN_INPUT_BYTES, parseTransaction, readSegwitFlag } from '../transaction.ts';
import { looksLikeCoinjoin, looksLikeExchangeBatch } from './looks-like.ts';

/** Why an address that a payment came from may not be the payer's: stable codes. */
export const sourceWarnings = [
  /** It looks like one of many payouts of an exchange or another service. */
  'exchange',
  /** It looks like a coinjoin: nobody's address in particular. */
  'coinjoin',
  /** Several keys have to agree: companies and custodians do that. */
  'shared_custody',
  /** It came from more than one address. */
  'several_sources',
  /** Some inputs do not tell what they spent (taproot), and it is not on record here. */
  'unknown_source',
] as const;
export type SourceWarning = (typeof sourceWarnings)[number];

export type PaymentSource = {
  readonly inputs: number;
  /** Different scripts that it spent, as far as the inputs prove them. */
  readonly scripts: readonly Uint8Array[];
  readonly unknownInputs: number;
  readonly warnings: readonly SourceWarning[];
};

type Input = { scriptSig: Uint8Array; witness: readonly Uint8Array[] };

/**
 * Where a payment came from, as far as its own bytes tell. An input of P2PKH, P2SH, P2WPKH or P2WSH
 * carries what its previous output is the hash of (BIP16, BIP141), so consensus has checked it; a
 * taproot key spend shows nothing (BIP341).
 * @param known scripts of previous outputs that are on record, by "txid:vout"; txid in the order
 *   of the wire, in hexadecimal
 * @throws {MalformedError} when the bytes are not one transaction
 */
export function paymentSource(
  raw: Uint8Array,
  known: ReadonlyMap<string, Uint8Array> = new Map(),
): PaymentSource {
  const transaction = parseTransaction(raw);
  const inputs = readInputs(raw);
  const scripts = new Map<string, Uint8Array>();
  let unknownInputs = 0;
  inputs.forEach((input, i) => {
    const outpoint = transaction.inputs[i];
    const key = outpoint === undefined ? '' : `${toHex(outpoint.prevTxid)}:${outpoint.prevVout}`;
    const script = known.get(key) ?? spentScript(input);
    if (script === null) unknownInputs += 1;
    else scripts.set(toHex(script), script);
  });
  const sources = scripts.size + unknownInputs;
  const warnings: SourceWarning[] = [];
  const spent = [...scripts.values()];
  if (looksLikeExchangeBatch(transaction, spent).length > 0) warnings.push('exchange');
  if (looksLikeCoinjoin(transaction).length > 0) warnings.push('coinjoin');
  if (inputs.some(isScriptHash)) warnings.push('shared_custody');
  if (sources > 1) warnings.push('several_sources');
  if (unknownInputs > 0) warnings.push('unknown_source');
  return { inputs: inputs.length, scripts: spent, unknownInputs, warnings };
}

/** The script that an input spent, when the input itself proves it. */
function spentScript({ scriptSig, witness }: Input): Uint8Array | null {
  const last = witness.at(-1);
  if (scriptSig.length === 0) {
    if (last === undefined) return null;
    // Two items of which the second is a compressed key: P2WPKH asks for exactly that (BIP143).
    if (witness.length === 2 && isKey(last, true)) return witnessScript(0, hash160(last));
    // A control block ends a taproot script spend, an annex may end any (BIP341).
    const first = last[0] ?? 0;
    const taproot = witness.length === 1 || first === 0x50 || isControlBlock(last);
    return taproot ? null : witnessScript(0, sha256(last));
  }
  const pushed = pushes(scriptSig);
  const end = pushed?.at(-1);
  if (pushed === null || end === undefined) return null;
  if (witness.length === 0 && pushed.length === 2 && isKey(end, false)) {
    return p2pkhScript(hash160(end));
  }
  return p2shScript(hash160(end));
}

/** P2SH that is no wrapped single key, or P2WSH: a script, most often of several keys. */
function isScriptHash(input: Input): boolean {
  const { scriptSig, witness } = input;
  const script = spentScript(input);
  if (script === null) return false;
  if (scriptSig.length === 0) return script.length === 34;
  const redeem = pushes(scriptSig)?.at(-1);
  const wrappedKey = redeem?.length === 22 && redeem[0] === 0 && redeem[1] === 20;
  return script[0] === 0xa9 && !(wrappedKey && witness.length === 2);
}

function isKey(bytes: Uint8Array, compressedOnly: boolean): boolean {
  const [first] = bytes;
  if (bytes.length === 33) return first === 2 || first === 3;
  return !compressedOnly && bytes.length === 65 && first === 4;
}

function isControlBlock(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return bytes.length >= 33 && (bytes.length - 33) % 32 === 0 && (first & 0xfe) >= 0xc0;
}

const OP_PUSHDATA1 = 0x4c;
const OP_PUSHDATA2 = 0x4d;

/** What a script pushes, when it does nothing else; null otherwise. */
function pushes(script: Uint8Array): Uint8Array[] | null {
  const found: Uint8Array[] = [];
  for (let at = 0; at < script.length; ) {
    const opcode = script[at] ?? 0;
    at += 1;
    let length = opcode;
    if (opcode === OP_PUSHDATA1) {
      length = script[at] ?? 0;
      at += 1;
    } else if (opcode === OP_PUSHDATA2) {
      length = (script[at] ?? 0) + 256 * (script[at + 1] ?? 0);
      at += 2;
    } else if (opcode > OP_PUSHDATA1) {
      // OP_1NEGATE and OP_1 to OP_16 push a number.
      if (opcode < 0x4f || opcode === 0x50 || opcode > 0x60) return null;
      length = 0;
    }
    if (at + length > script.length) return null;
    found.push(script.slice(at, at + length));
    at += length;
  }
  return found;
}

function readInputs(raw: Uint8Array): Input[] {
  const reader = new ByteReader(raw);
  reader.skip(4);
  const isSegwit = readSegwitFlag(reader);
  const count = reader.count(MIN_INPUT_BYTES);
  const scripts: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    reader.skip(36);
    scripts.push(readVector(raw, reader));
    reader.skip(4);
  }
  const outputs = reader.count(1);
  for (let i = 0; i < outputs; i++) {
    reader.skip(8);
    reader.skipVector();
  }
  return scripts.map((scriptSig) => {
    const witness: Uint8Array[] = [];
    const items = isSegwit ? reader.count(1) : 0;
    for (let i = 0; i < items; i++) witness.push(readVector(raw, reader));
    return { scriptSig, witness };
  });
}

function readVector(raw: Uint8Array, reader: ByteReader): Uint8Array {
  const length = reader.count(1);
  const at = reader.position;
  reader.skip(length);
  return raw.slice(at, at + length);
}
